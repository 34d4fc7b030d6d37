"""Files of feature vectors by their extensions: writing, and reading what Greycard wrote."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from greycard.core.atomic_files import atomic_path
from greycard.core.errors import GreycardError, command
from greycard.core.output_files import expect_folder_of
from greycard.embeddings import npz, parquet
from greycard.embeddings.csv_table import CsvWriter
from greycard.embeddings.table import About, Rows, Writer

_EXTRA = 'pip install "greycard[parquet]"'
_AGAIN = "make it again with greycard embed"


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        writer: called with the file and its metadata.
        read_about: a file's metadata, or None; None for a format that has no metadata.
        read_rows: its rows, some at a time.
    """

    writer: Callable[[Path, About], Writer]
    read_about: Callable[[Path], bytes | None] | None = None
    read_rows: Callable[[Path, About], Iterator[Rows]] | None = None


PARQUET, NPZ, CSV = ".parquet", ".npz", ".csv"

FORMATS = {
    PARQUET: Format(parquet.ParquetWriter, parquet.read_about, parquet.read_rows),
    NPZ: Format(npz.NpzWriter, npz.read_about, npz.read_rows),
    CSV: Format(CsvWriter),
}
"""By extension, lower case."""


@dataclass(frozen=True)
class EmbeddingFile:
    """A file of vectors that Greycard wrote; open it with `open_embeddings`."""

    place: Path
    about: About

    @property
    def address(self) -> str:
        return str(self.place)

    @property
    def count(self) -> int:
        return sum(len(rows.ids) for rows in self.rows())

    def again(self, model: object) -> str:
        return f"make it again: `{command('embed', model, 'FOLDER', '-o', self.place)}`"

    def rows(self) -> Iterator[Rows]:
        read = _format_of(self.place).read_rows
        assert read is not None
        try:
            yield from read(self.place, self.about)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise _damaged(self.place, error) from error


def is_embedding_file(place: Path) -> bool:
    """Whether Greycard wrote the vectors in this file."""
    try:
        return _about_of(place) is not None
    except (OSError, ValueError, zipfile.BadZipFile):  # pyarrow's errors are among these
        return False


def open_embeddings(place: Path) -> EmbeddingFile:
    """Open a file for which `is_embedding_file` is true; GreycardError if its metadata is damaged."""
    try:
        return EmbeddingFile(place, About.from_text(_about_of(place) or b""))
    except (OSError, ValueError, zipfile.BadZipFile, GreycardError) as error:
        raise _damaged(place, error) from error


def expect_embedding_output(place: Path) -> None:
    """Check that vectors can be written to `place`; nothing is created. Greycard's own files may be replaced.

    Raises:
        GreycardError: an unknown extension, another program's file or a folder, or a package is missing.
    """
    form = _format_of(place)
    if form is FORMATS[PARQUET] and find_spec("pyarrow") is None:
        raise GreycardError(f"{place.name} needs pyarrow, which is not installed", hint=f"{_EXTRA}, or -o emb.npz")
    if place.exists() and not (place.is_file() and (not place.stat().st_size or is_embedding_file(place))):
        raise GreycardError(
            f"{place} already exists and has no vectors that Greycard wrote; it is not overwritten",
            hint="choose another file name, or remove it first",
        )
    expect_folder_of(place, may_be_missing=False)


@contextmanager
def writing(place: Path, about: About) -> Iterator[Writer]:
    """A writer of a file that `expect_embedding_output` has checked; the file is complete or unchanged at the end."""
    with atomic_path(Path(os.path.realpath(place))) as draft:
        writer = _format_of(place).writer(draft, about)
        try:
            yield writer
        finally:
            writer.close()


def _format_of(place: Path) -> Format:
    form = FORMATS.get(place.suffix.lower())
    if form is None:
        raise GreycardError(
            f"the file of vectors must end with {', '.join(FORMATS)}. Received: {place}", hint="for example emb.parquet"
        )
    return form


def _about_of(place: Path) -> bytes | None:
    form = FORMATS.get(place.suffix.lower())
    reads = form.read_about if form and place.is_file() else None
    if reads is None or (reads is parquet.read_about and find_spec("pyarrow") is None):
        return None
    return reads(place)


def _damaged(place: Path, error: object) -> GreycardError:
    why = error.args[0] if isinstance(error, GreycardError) else str(error).splitlines()[0] if str(error) else error
    return GreycardError(f"{place} cannot be read: {why}", hint=_AGAIN)
