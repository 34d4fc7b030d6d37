"""Lists of image names: text with one name a line, or Parquet with a column `path`; here or in remote storage."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from greycard.core.errors import GreycardError
from greycard.storage.failures import reason
from greycard.storage.folders import folder_at

PARQUET, COLUMN = ".parquet", "path"
_TEXT = ".txt"
_ROWS = 20_000


def is_manifest(name: str) -> bool:
    """Whether a file with this name is a list of names."""
    return PurePosixPath(name).suffix.lower() in (_TEXT, PARQUET) and not Path(name).is_dir()


def listed_names(address: str) -> Iterator[str]:
    """The names in a list, some at a time.

    Raises:
        GreycardError: the list is not there or cannot be read, or it has no column `path`.
    """
    try:
        yield from (_column if address.lower().endswith(PARQUET) else _lines)(address)
    except FileNotFoundError as error:
        raise GreycardError(f"the list {address} does not exist", hint="check its name") from error
    except (OSError, ValueError) as error:  # pyarrow's errors are among these
        why = getattr(error, "strerror", None) or reason(error)
        raise GreycardError(
            f"the list {address} cannot be read: {why}", hint="a list is text with one name a line, or Parquet"
        ) from error


def _opened(address: str) -> IO[bytes]:
    folder, slash, name = address.rpartition("/")
    return folder_at(folder or slash or ".").open(name)


def _lines(address: str) -> Iterator[str]:
    with _opened(address) as file:
        rest = file.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
        while block := file.read(1 << 20):
            if b"\0" in block:
                raise ValueError("it is not text in UTF-8")
            *whole, rest = (rest + block).split(b"\n")
            yield from _decoded(whole)
        yield from _decoded(rest.split(b"\n"))


def _decoded(lines: list[bytes]) -> Iterator[str]:
    return (text for line in lines if (text := line.decode("utf-8", "surrogateescape").rstrip("\r")).strip())


def _column(address: str) -> Iterator[str]:
    from pyarrow import parquet

    with _opened(address) as opened, parquet.ParquetFile(opened) as file:
        columns = file.schema_arrow.names
        if COLUMN not in columns:
            raise GreycardError(
                f"the list {address} has no column `{COLUMN}`. Received: {', '.join(columns)}",
                hint=f"rename the column with the names of the images to `{COLUMN}`",
            )
        for batch in file.iter_batches(_ROWS, columns=[COLUMN]):
            yield from (each for each in batch.column(0).to_pylist() if each)
