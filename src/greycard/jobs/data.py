"""Find the images of a run again: by the place of its data and by their ids."""

from __future__ import annotations

from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path, data_dir
from greycard.core.reporter import Reporter
from greycard.datasets.catalog import CATALOG
from greycard.datasets.dataset import Dataset
from greycard.datasets.load import is_here, load_dataset
from greycard.datasets.open import find_path, open_dataset, paths_named
from greycard.datasets.selection import select
from greycard.datasets.source import Source
from greycard.pipeline.array_split import ArraySplit
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs, read_run_args
from greycard.training.decode import decoded_split

_HINT = "name their folder or file with --data; in Python, data= also takes a dataset"


def dataset_of(run: RunRecord, data: str | Path | Dataset | Source | None, folder: str | Path | None) -> Dataset:
    """The images that a run was trained and measured on, in the recorded order of their ids.

    Args:
        run: the run.
        data: what `open_dataset` takes; None to find it where it was, or by its name.
        folder: the data directory; by default the one it was in, `GREYCARD_DATA` or the user's data folder.

    Raises:
        GreycardError: the data or some of its images are missing.
    """
    task = run.recipe.data.task
    found = open_dataset(_place(run, data, folder) if data is not None else _found(run, folder), task=task)
    return select(found, (*run.split, run.test_ids), run.classes, f"{run.name} was trained and measured on", _HINT)


def validation_of(run: RunRecord, dataset: Dataset, reporter: Reporter) -> ArraySplit:
    """The validation images, decoded as for the run's model.

    Raises:
        GreycardError: the images or their labels have changed.
    """
    validation = decoded_split(run.recipe, dataset.validation, "validation", reporter)
    before = run.predictions
    if list(validation.ids) != before["ids"].tolist() or validation.labels.tolist() != before["labels"].tolist():
        raise GreycardError(
            f"{run.recipe.data.dataset} has other validation images or labels than {run.name} was measured on",
            hint=_HINT,
        )
    return validation


def _place(
    run: RunRecord, data: str | Path | Dataset | Source, folder: str | Path | None
) -> str | Path | Dataset | Source:
    """The data that the user names; a path may also be in the data directory."""
    if isinstance(data, str | Path) and not find_path(data, folder).exists():
        place = as_path(data, "the data")
        raise GreycardError(f"{place} does not exist; expected the images of {run.name} there", hint=_HINT)
    return find_path(data, folder) if isinstance(data, str | Path) else data


def _found(run: RunRecord, folder: str | Path | None) -> Dataset | Path:
    """The data at its recorded path, else by its name: a named dataset, or a folder or file here or in the data
    directory."""
    name, args = run.recipe.data.dataset, read_run_args(run.path)
    if args.data is None and name in {entry.name for entry in CATALOG}:
        return load_dataset(name, folder or _recorded_data_dir(name, args))
    recorded = (Path(args.data),) if args.data else ()
    found = next((place for place in (*recorded, *paths_named(name, folder)) if place.exists()), None)
    if found is None:
        where = f"no longer in {args.data}" if args.data else f"neither here nor in {data_dir(folder)}"
        raise GreycardError(f"the images that {run.name} was trained on ({name}) are {where}", hint=_HINT)
    return found


def _recorded_data_dir(name: str, args: RunArgs) -> str | None:
    """The recorded data directory of the named dataset, if the dataset is still there."""
    there = args.data_dir is not None and Path(args.data_dir).is_dir() and is_here(name, args.data_dir)
    return args.data_dir if there else None
