"""Find stored feature vectors by a path or an address: a file, or a folder of parts."""

from __future__ import annotations

import os
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.core.paths import is_remote
from greycard.deploy.answers.parquet import expect_pyarrow
from greycard.embeddings.files import is_embedding_file, open_embeddings
from greycard.embeddings.parts import open_parts
from greycard.embeddings.table import Stored
from greycard.storage.folders import folder_at
from greycard.storage.parts import RECORD


def find_stored(place: str | os.PathLike[str]) -> Stored | None:
    """The vectors that Greycard wrote at a path, `s3://bucket/prefix` or `gs://bucket/prefix`; None if it wrote none.

    Raises:
        GreycardError: they are damaged or unfinished, or there are none in remote storage.
    """
    name = os.fspath(place)
    path = Path(name).expanduser()
    if not is_remote(name) and not path.is_dir():
        return open_embeddings(path) if is_embedding_file(path) else None
    folder = folder_at(name)
    if folder.has(RECORD):
        expect_pyarrow()
        return open_parts(folder)
    if is_remote(name):
        raise GreycardError(
            f"{name} is not a folder of feature vectors",
            hint=f"`{command('embed', 'RUN', 'FOLDER', '--answers', name)}` writes one",
        )
    return None
