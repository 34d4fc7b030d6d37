"""The images of shards: image files and folders, S3 and Google Cloud Storage, and lists of names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from greycard.cli.inputs import stdin_lines
from greycard.core.errors import GreycardError


def shard_names(words: Sequence[str]) -> Iterator[str]:
    """The names of all images, in order, one by one.

    Args:
        words: image files, folders, patterns; `s3://…` and `gs://…`; lists of names, which are `.txt` files with one
            name a line and `.parquet` files with a column `path`; or `-` for a list on stdin.

    Raises:
        GreycardError: nothing is there, or it is a video or a camera.
    """
    from greycard.cluster.images import remote_images
    from greycard.cluster.manifests import is_manifest, listed_names
    from greycard.core.paths import is_remote
    from greycard.deploy.inputs.images import find_images

    for word in words:
        if word == "-":
            yield from map(_image, stdin_lines())
        elif is_manifest(word):
            yield from map(_image, listed_names(word))
        elif is_remote(word):
            yield from remote_images(word)
        else:
            yield from _files(find_images([word]).items)


def _files(items: Iterable[object]) -> Iterator[str]:
    for item in items:
        yield _image(str(item)) if isinstance(item, Path) else _refused(item)


def _image(name: str) -> str:
    from greycard.deploy.inputs.frames import is_video

    return _refused(name) if is_video(PurePosixPath(name)) else name


def _refused(item: object) -> str:
    raise GreycardError(
        f"shards are of image files. Received: {item}",
        hint="-o FILE in place of --answers predicts the frames of videos and cameras",
    )
