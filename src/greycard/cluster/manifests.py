"""Lists of image names: text with one name a line, or Parquet with a column `path`; here or in remote storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import IO

from greycard.cluster.images import remote_images
from greycard.cluster.storage import folder_at
from greycard.core.errors import GreycardError
from greycard.core.paths import is_remote

_TEXT, _PARQUET, _COLUMN = ".txt", ".parquet", "path"
_ROWS = 20_000


def is_manifest(name: str) -> bool:
    """Whether a file with this name is a list of names."""
    return PurePosixPath(name).suffix.lower() in (_TEXT, _PARQUET) and not Path(name).is_dir()


@dataclass(frozen=True)
class ImageList:
    """Images without labels.

    Attributes:
        name: for files.
        names: paths or addresses, one by one.
    """

    name: str
    names: Iterator[str]


def list_of(what: object) -> ImageList | None:
    """The images without labels that are meant: by a list of names, a file of one, or a prefix; None for other data.

    A Parquet file is a list if it has the column `path` and none with images.
    """
    if isinstance(what, list | tuple):
        return ImageList("images", map(_as_name, what))
    if not isinstance(what, str | Path):
        return None
    word = str(what)
    if is_remote(word):
        names = listed_names(word) if is_manifest(word) else remote_images(word)
        return ImageList(_name(word), names)
    has_images = word.lower().endswith(_PARQUET) and not _has_paths_only(Path(word))
    return ImageList(_name(word), listed_names(word)) if is_manifest(word) and not has_images else None


def _as_name(image: object) -> str:
    if not isinstance(image, str | Path):
        raise GreycardError(
            f"a list of images has names. Received: {type(image).__name__} {str(image)[:80]!r}",
            hint="pass strings or pathlib.Paths",
        )
    return str(image)


def _name(word: str) -> str:
    path = PurePosixPath(Path(word).as_posix())
    return path.stem if is_manifest(word) else path.name


def _has_paths_only(place: Path) -> bool:
    """Whether a Parquet file has the column `path` and none with images; False if it cannot be read."""
    if find_spec("pyarrow") is None:
        return False
    from pyarrow import ArrowException, parquet, types

    try:
        schema = parquet.read_schema(place)
    except (ArrowException, OSError):
        return False
    of_bytes = (types.is_struct, types.is_binary, types.is_large_binary)
    return _COLUMN in schema.names and not any(is_kind(kind) for kind in schema.types for is_kind in of_bytes)


def listed_names(address: str) -> Iterator[str]:
    """The names in a list, some at a time.

    Raises:
        GreycardError: the list is not there or cannot be read, or it has no column `path`.
    """
    try:
        yield from (_column if address.lower().endswith(_PARQUET) else _lines)(address)
    except (OSError, ValueError) as error:  # pyarrow's errors are among these
        why = getattr(error, "strerror", None) or (str(error).splitlines() or ["it is damaged"])[0]
        raise GreycardError(
            f"the list {address} cannot be read: {why}", hint="a list is text with one name a line, or Parquet"
        ) from error


def _opened(address: str) -> IO[bytes]:
    folder, slash, name = address.rpartition("/")
    return folder_at(folder or slash or ".").open(name)


def _lines(address: str) -> Iterator[str]:
    with _opened(address) as file:
        rest = b""
        while block := file.read(1 << 20):
            *whole, rest = (rest + block).split(b"\n")
            yield from _decoded(whole)
        yield from _decoded([rest])


def _decoded(lines: list[bytes]) -> Iterator[str]:
    return (text for line in lines if (text := line.decode("utf-8", "surrogateescape").rstrip("\r")).strip())


def _column(address: str) -> Iterator[str]:
    from pyarrow import parquet

    with _opened(address) as opened, parquet.ParquetFile(opened) as file:
        columns = file.schema_arrow.names
        if _COLUMN not in columns:
            raise GreycardError(
                f"the list {address} has no column `{_COLUMN}`. Received: {', '.join(columns)}",
                hint=f"rename the column with the names of the images to `{_COLUMN}`",
            )
        for batch in file.iter_batches(_ROWS, columns=[_COLUMN]):
            yield from (each for each in batch.column(0).to_pylist() if each)
