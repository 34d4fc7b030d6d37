"""Images without labels, as the data of a check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any

from greycard.cluster.manifests import COLUMN, PARQUET, is_manifest
from greycard.cluster.names import image_names
from greycard.core.paths import expect_known_storage, is_remote
from greycard.datasets.parquet import IMAGES


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
        return ImageList("images", image_names(what))
    if not isinstance(what, str | Path):
        return None
    word = str(what)
    expect_known_storage(word)
    return ImageList(_name(word), image_names(word)) if is_remote(word) or _is_list(word) else None


def _is_list(word: str) -> bool:
    return is_manifest(word) and (not word.lower().endswith(PARQUET) or _has_paths_only(Path(word)))


def _name(word: str) -> str:
    path = PurePosixPath(Path(word).as_posix())
    return path.stem if is_manifest(word) else path.name


def _has_paths_only(place: Path) -> bool:
    """Whether a Parquet file has the column `path` and none with images; False if it cannot be read."""
    if find_spec("pyarrow") is None:
        return False
    from pyarrow import ArrowException, parquet

    try:
        schema = parquet.read_schema(place)
    except (ArrowException, OSError):
        return False
    return COLUMN in schema.names and not any(map(_has_images, schema))


def _has_images(field: Any) -> bool:
    """Whether a column has images, and not other bytes such as digests."""
    from pyarrow import types

    if types.is_struct(field.type):
        return bool(field.type.get_field_index("bytes") >= 0)
    return field.name.lower() in IMAGES and (types.is_binary(field.type) or types.is_large_binary(field.type))
