"""The images a run was trained and measured on, found again: where its data lies, and by their ids."""

from __future__ import annotations

from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import data_dir
from greycard.core.reporter import Reporter
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.folders import load_folder
from greycard.datasets.load import is_here, load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.datasets.selection import select
from greycard.pipeline.array_split import ArraySplit, load_arrays
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs, read_run_args

_HINT = "--data names the folder or label file where they are now; in Python, data= also takes a dataset"


def dataset_of(run: RunRecord, data: str | Path | Dataset | None, folder: str | Path | None) -> Dataset:
    """The images a run was trained and measured on, in their order: the ids it recorded, however the split was made.

    Args:
        run: whose.
        data: its dataset, or the folder or label file; None to find it where it was, or by its name.
        folder: the data directory; by default the one it was in, `GREYCARD_DATA` or the user's data folder.

    Raises:
        GreycardError: it is not there, or some of its images are not.
    """
    found = data if isinstance(data, Dataset) else _load(run, data, folder)
    return select(found, run.split, run.classes, f"{run.name} was trained and measured on", _HINT)


def validation_of(run: RunRecord, dataset: Dataset, reporter: Reporter) -> ArraySplit:
    """The validation images as the run's model was given them.

    Raises:
        GreycardError: they, or their labels, are no longer the same.
    """
    validation = decoded_split(run.recipe, dataset.validation, "validation", reporter)
    before = run.predictions
    if list(validation.ids) != before["ids"].tolist() or validation.labels.tolist() != before["labels"].tolist():
        raise GreycardError(
            f"{run.recipe.data.dataset} has other validation images or labels than {run.name} was measured on",
            hint=_HINT,
        )
    return validation


def decoded_split(recipe: Recipe, split: Split, what: str, reporter: Reporter) -> ArraySplit:
    """A split decoded as a recipe wants it."""
    count = reporter.progress(f"reading {what} images", len(split))
    return load_arrays(split, recipe.data.image_size, recipe.data.channels, lambda: count(1))


def _load(run: RunRecord, data: str | Path | None, folder: str | Path | None) -> Dataset:
    name, origin = run.recipe.data.dataset, read_run_args(run.path)
    if data is None and origin.data is None and name in {entry.name for entry in CATALOG}:
        return load_dataset(name, folder or _recorded_data_dir(name, origin))
    place = Path(data).expanduser() if data else _place(run, origin, folder)
    if not place.exists():
        raise GreycardError(f"{place} does not exist; expected the images of {run.name} there", hint=_HINT)
    return load_manifest(place) if place.suffix.lower() == ".csv" and not place.is_dir() else load_folder(place)


def _recorded_data_dir(name: str, origin: RunArgs) -> str | None:
    """Where the named dataset was when the run began, if it is still there."""
    there = origin.data_dir is not None and Path(origin.data_dir).is_dir() and is_here(name, origin.data_dir)
    return origin.data_dir if there else None


def _place(run: RunRecord, origin: RunArgs, folder: str | Path | None) -> Path:
    """Where the run's data was, or else a folder or label file of its name, here or in the data directory."""
    name = run.recipe.data.dataset
    recorded = (Path(origin.data),) if origin.data else ()
    places = (*recorded, Path(name), data_dir(folder) / name, Path(f"{name}.csv"))
    found = next((place for place in places if place.exists()), None)
    if found is None:
        where = f"in {origin.data} any more" if origin.data else f"known: {name} is neither here nor in {places[-2]}"
        raise GreycardError(f"the images {run.name} was trained on are not {where}", hint=_HINT)
    return found
