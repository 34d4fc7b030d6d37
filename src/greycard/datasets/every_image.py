"""Every image of a folder or dataset, with its label where there is one; none is read until it is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset, LeftOut, Split
from greycard.datasets.inside import files_below
from greycard.datasets.layouts import find_layout
from greycard.datasets.open import find_path, survey_dataset
from greycard.datasets.parquet import holds_parquet
from greycard.datasets.scan import image_files
from greycard.datasets.source import Source


@dataclass(frozen=True)
class EveryImage:
    """The images of all splits, in a fixed order.

    Attributes:
        name: what they are from, for messages.
        ids: a unique name for each image: its path in the folder, or its split and row.
        images: a path, or uint8 (height, width[, 3]), for each image.
        labels: the class of each image, None for an image without one; None if no image has one.
        left_out: files that are known to be unreadable, each with the reason.
    """

    name: str
    ids: tuple[str, ...]
    images: Sequence[Path | np.ndarray]
    labels: tuple[str | None, ...] | None
    left_out: tuple[LeftOut, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def path(self, row: int) -> str:
        """The absolute path of an image's file; empty for an array."""
        image = self.images[row]
        return os.path.abspath(image) if isinstance(image, Path) else ""

    def label(self, row: int) -> str | None:
        """The class of an image, if it is known."""
        return None if self.labels is None else self.labels[row]


def every_image(what: Dataset | Source | str | Path, data_dir: str | Path | None = None) -> EveryImage:
    """Find the images; of a folder it reads only the names, so that many images take little time and memory.

    Args:
        what: anything that `open_dataset` takes, also if it is not trainable; or a folder of images without labels.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.

    Raises:
        GreycardError: nothing has that name, or it has no images.
    """
    folder = image_folder(what, data_dir) if isinstance(what, str | Path) else None
    found = _in_folder(folder) if folder else _in_dataset(survey_dataset(what, data_dir).dataset)
    if not len(found):
        raise GreycardError(f"there are no images in {found.name}", hint="name a folder with images")
    return found


def image_folder(what: str | Path, data_dir: str | Path | None) -> Path | None:
    """The folder of image files that is meant; None for a named dataset, a file, Parquet files, or a wrong path."""
    if str(what) in {entry.name for entry in CATALOG} and not Path(what).exists():
        return None
    place = find_path(what, data_dir)
    return place if place.is_dir() and not holds_parquet(place) else None


def _in_folder(folder: Path) -> EveryImage:
    """All images below a folder; those in class folders have labels."""
    layout = find_layout(folder)
    parts = () if layout.problem else (layout.train, layout.validation, layout.test)
    of_class = [(name, place) for part in parts if part for name, places in part.folders.items() for place in places]
    labels_of = {path: name for name, place in of_class for path in files_below(place).files}
    folders = (folder, *(place for _, place in of_class if place.is_symlink()))  # links are not followed by the first
    paths = sorted({path for each in folders for path in image_files(each)[0]})
    ids = tuple(path.relative_to(folder).as_posix() for path in paths)
    labels = tuple(labels_of.get(path) for path in paths)
    return EveryImage(str(folder), ids, paths, labels if any(labels) else None)


def _in_dataset(dataset: Dataset) -> EveryImage:
    """The images of all splits of a dataset."""
    splits = [
        (side, each) for side, each in zip(("train", "validation", "test"), dataset.splits, strict=False) if len(each)
    ]
    if any(isinstance(each.images, np.ndarray) and each.images.ndim < 3 for _, each in splits):
        raise GreycardError(f"{dataset.name} has numbers, not images", hint="name a folder with images")
    ids = tuple(id for side, each in splits for id in _unique(side, each))
    named = dataset.label_text if dataset.classes else lambda label: None
    labels = tuple(named(label) for _, each in splits for label in each.labels)
    images, known = _Joined([each.images for _, each in splits]), len(set(labels)) > 1  # one is only a folder's name
    return EveryImage(dataset.name, ids, images, labels if known else None, dataset.left_out)


def _unique(side: str, split: Split) -> Iterator[str]:
    """The ids: paths are unique in the dataset, rows of arrays only in their split."""
    return iter(split.ids) if isinstance(split.images, tuple) else (f"{side}/{id}" for id in split.ids)


class _Joined(Sequence[Path | np.ndarray]):
    """Several sequences as one, without a copy: an array may be larger than memory."""

    def __init__(self, parts: Sequence[Sequence[Path] | np.ndarray]) -> None:
        self._parts = parts
        self._ends = np.cumsum([len(part) for part in parts])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._parts) else 0

    def __getitem__(self, row):  # type: ignore[no-untyped-def]  # rows only
        part = int(np.searchsorted(self._ends, row, side="right"))
        return self._parts[part][row - (self._ends[part] - len(self._parts[part]))]
