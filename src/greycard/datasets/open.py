"""A dataset by whatever names it: a folder of images, a manifest, a name of the catalog, or a dataset itself."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.core.paths import data_dir as data_folder
from greycard.core.suggestions import near
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.folders import survey_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import is_table, survey_manifest
from greycard.datasets.survey import Survey


def open_dataset(what: Dataset | str | Path, data_dir: str | Path | None = None, **split: Any) -> Dataset:
    """What is there under a name: a path comes first, then a name of the catalog, then a folder in the data directory.

    Args:
        what: a dataset, a path, or a name.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        split: `val_fraction` and `split_seed`, for what brings no split.

    Raises:
        GreycardError: nothing of that name, or what is there cannot be trained on.
    """
    return survey_dataset(what, data_dir, **split).expect_trainable()


def survey_dataset(what: Dataset | str | Path, data_dir: str | Path | None = None, **split: Any) -> Survey:
    """As `open_dataset`, also where the images cannot be trained on.

    Raises:
        GreycardError: nothing of that name.
    """
    if isinstance(what, Dataset):
        return Survey(what)
    named = as_path(what, "a dataset")
    names = [entry.name for entry in CATALOG]
    if not named.exists() and str(named) in names:
        return Survey(load_dataset(str(named), data_dir, **split))
    return _survey_images(named, data_dir, names, **split)


def open_images(what: str | Path, data_dir: str | Path | None = None, **split: Any) -> Dataset:
    """A folder of images, here or in the data directory; or a label file. Raises as `open_dataset` does."""
    return _survey_images(what, data_dir, (), **split).expect_trainable()


def _survey_images(what: str | Path, data_dir: str | Path | None, also: Iterable[str], **split: Any) -> Survey:
    """`also`: other names that would have been taken, to be suggested."""
    place = find_folder(what, data_dir)
    if is_table(place):
        return survey_manifest(place, **split)
    _expect_no_slip(place, also)
    return survey_folder(place, **split)


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
