"""A dataset by whatever names it: a folder of pictures, a manifest, a name of the catalog, or a dataset itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from greycard.datasets.catalog import CATALOG
from greycard.datasets.core import Dataset
from greycard.datasets.folders import load_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.errors import GreycardError
from greycard.locations import as_path
from greycard.locations import data_dir as data_folder
from greycard.suggestions import near


def open_dataset(what: Dataset | str | Path, data_dir: str | Path | None = None, **split: Any) -> Dataset:
    """What is there under a name: a path comes first, then a name of the catalog, then a folder in the data directory.

    Args:
        what: a dataset, a path, or a name.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        split: `val_fraction` and `split_seed`, for what brings no split.

    Raises:
        GreycardError: nothing of that name, or what is there is no dataset.
    """
    if isinstance(what, Dataset):
        return what
    named = as_path(what, "a dataset")
    names = [entry.name for entry in CATALOG]
    if not named.exists() and str(named) in names:
        return load_dataset(str(named), data_dir, **split)
    return open_pictures(named, data_dir, also=names, **split)


def open_pictures(
    what: str | Path, data_dir: str | Path | None = None, *, also: Iterable[str] = (), **split: Any
) -> Dataset:
    """A folder of pictures, here or in the data directory; or a manifest, which brings its own split.

    Args:
        what: its path.
        data_dir: as for `open_dataset`.
        also: other names that would have been taken, to be suggested.
        split: as for `open_dataset`.

    Raises:
        GreycardError: as `open_dataset` does.
    """
    place = find_folder(what, data_dir)
    if place.suffix.lower() == ".csv" and not place.is_dir():
        return load_manifest(place)
    _expect_no_slip(place, also)
    return load_folder(place, **split)


def find_folder(what: str | Path, data_dir: str | Path | None = None) -> Path:
    """The folder as it is named, or else inside the data directory."""
    named = as_path(what, "a folder")
    if named.exists():
        return named
    inside = data_folder(data_dir) / named
    return inside if inside.is_dir() else named


def _expect_no_slip(place: Path, also: Iterable[str]) -> None:
    """GreycardError where nothing is there, and something of nearly that name is."""
    beside = place.parent
    names = [str(beside / name) for name in (os.listdir(beside) if beside.is_dir() else ())]
    found = near(str(place), [*names, *also])
    if found and not place.exists():
        raise GreycardError(f"{place} does not exist", hint=f"did you mean {', '.join(found)}?")
