"""Open a dataset from a path, a name or a `Source`. A new kind of data is one line in `KINDS`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path
from greycard.core.paths import data_dir as data_folder
from greycard.core.suggestions import near
from greycard.datasets.archive_folder import survey_archive
from greycard.datasets.archives import ARCHIVE_ENDINGS
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.folders import survey_folder
from greycard.datasets.load import is_here, load_dataset
from greycard.datasets.manifest import TABLE_ENDINGS, survey_manifest
from greycard.datasets.numbers import REGRESSION, with_numbers
from greycard.datasets.parquet import PARQUET_ENDINGS, holds_parquet, survey_parquet
from greycard.datasets.source import Source, is_source, survey_source
from greycard.datasets.survey import Survey


@dataclass(frozen=True)
class Kind:
    """A kind of data on disk.

    Attributes:
        name: for messages.
        survey: opens a path, called as `survey(path, val_fraction=…, split_seed=…)`, and `task=…` if it `lists` labels.
        endings: extensions of its files, lower case.
        holds: returns whether a folder is of this kind.
        lists: whether each image has its own label, which can be a number.
    """

    name: str
    survey: Callable[..., Survey]
    endings: tuple[str, ...] = ()
    holds: Callable[[Path], bool] = lambda folder: False
    lists: bool = False

    def matches(self, place: Path) -> bool:
        """A path that does not exist is judged by its extension."""
        return self.holds(place) if place.is_dir() else place.name.lower().endswith(self.endings)


KINDS: tuple[Kind, ...] = (
    Kind("a label file", survey_manifest, TABLE_ENDINGS, lists=True),
    Kind("a zip or tar file", survey_archive, ARCHIVE_ENDINGS),
    Kind("Parquet files", survey_parquet, PARQUET_ENDINGS, holds_parquet, lists=True),
    Kind("a folder of images", survey_folder, ("",), lambda folder: True),
)
"""All kinds in the order in which they are tried; the last one takes every other path."""


def open_dataset(
    what: Dataset | Source | str | Path,
    data_dir: str | Path | None = None,
    *,
    val_fraction: float = 0.2,
    split_seed: int = 0,
    task: str | None = None,
) -> Dataset:
    """Open a dataset: as a path first, then as a named dataset, then as a path in the data directory.

    Args:
        what: a folder of images; a label file (CSV or TSV); a zip or tar of class folders; a Parquet file or a folder
            of them; the name of a dataset (`greycard fetch` lists them); a `Source`; or a dataset.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        val_fraction: share of each class for validation, if the data has no split.
        split_seed: random seed of that split.
        task: `regression` to read the labels as numbers, another task to read them as classes; None decides by the
            labels of a label file, and reads classes everywhere else.

    Raises:
        GreycardError: nothing has that name, or the data cannot be used for training.
    """
    found = survey_dataset(what, data_dir, val_fraction=val_fraction, split_seed=split_seed, task=task)
    return found.expect_trainable()


def survey_dataset(
    what: Dataset | Source | str | Path,
    data_dir: str | Path | None = None,
    *,
    val_fraction: float = 0.2,
    split_seed: int = 0,
    task: str | None = None,
) -> Survey:
    """Like `open_dataset`, but reports problems instead of raising them.

    Raises:
        GreycardError: nothing has that name.
    """
    if isinstance(what, Dataset):
        return as_asked(Survey(what), task)
    split: dict[str, Any] = {"val_fraction": val_fraction, "split_seed": split_seed}
    if is_source(what):
        return survey_source(what, **split, task=task)
    path = as_path(what, "a dataset")  # type: ignore[arg-type]  # nothing else is left
    names = [entry.name for entry in CATALOG]
    if not path.exists() and str(path) in names:
        return as_asked(Survey(load_dataset(str(path), data_dir, **split)), task)
    place = find_path(path, data_dir)
    kind = next(kind for kind in KINDS if kind.matches(place))
    _expect_no_slip(place, names)
    return kind.survey(place, **split, task=task) if kind.lists else as_asked(kind.survey(place, **split), task)


def as_asked(found: Survey, task: str | None) -> Survey:
    """Class names as numbers if the task is a regression; GreycardError if a name is not a number."""
    return with_numbers(found) if task == REGRESSION else found


def find_path(what: str | Path, data_dir: str | Path | None = None) -> Path:
    """The path itself, or the same path inside the data directory."""
    path = as_path(what, "a dataset")
    inside = data_folder(data_dir) / path
    return inside if inside.exists() and not path.exists() else path


def is_present(what: str, data_dir: str | Path | None = None) -> bool:
    """Whether the data of a path or of a dataset's name is there; nothing is read."""
    named = what in {entry.name for entry in CATALOG}
    return is_here(what, data_dir) if named else find_path(what, data_dir).exists()


def paths_named(name: str, data_dir: str | Path | None = None) -> list[Path]:
    """Paths where data of that name may be: here or in the data directory, as a folder or a file of any kind."""
    endings = [ending for kind in reversed(KINDS) for ending in kind.endings]
    return [folder / f"{name}{ending}" for folder in (Path(), data_folder(data_dir)) for ending in endings]


def _expect_no_slip(place: Path, also: Iterable[str]) -> None:
    """Raise GreycardError if the path does not exist; suggest similar names."""
    if place.exists():
        return
    parent = place.parent
    names = [str(parent / name) for name in (os.listdir(parent) if parent.is_dir() else ())]
    found = near(str(place), [*names, *also])
    if found:
        raise GreycardError(f"{place} does not exist", hint=f"did you mean {', '.join(found)}?")
    if place.suffix and place.name.lower().endswith(ARCHIVE_ENDINGS + PARQUET_ENDINGS):
        raise GreycardError(f"{place} does not exist", hint="check its name, or name a folder of images")
