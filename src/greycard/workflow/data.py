"""The pictures a run was trained and measured on, found again."""

from __future__ import annotations

from pathlib import Path

from greycard.datasets.catalog import CATALOG
from greycard.datasets.core import Dataset, Split
from greycard.datasets.folders import load_folder
from greycard.datasets.load import load_dataset
from greycard.datasets.manifest import load_manifest
from greycard.errors import GreycardError
from greycard.locations import data_dir
from greycard.pipeline.pixels import Pixels, load_pixels
from greycard.recipe import Recipe
from greycard.runs.record import RunRecord
from greycard.training.display import Display


def dataset_of(run: RunRecord, data: str | Path | None, folder: str | Path | None) -> Dataset:
    """The dataset a run was trained and measured on, as much of it as its recipe took.

    Args:
        run: whose.
        data: its dataset's folder or manifest; None to find it by its name, here or in the data directory.
        folder: the data directory; by default `GREYCARD_DATA` or the user's data folder.

    Raises:
        GreycardError: it is not there.
    """
    recipe = run.recipe
    return whole_dataset_of(run, data, folder).limited(recipe.train_limit, recipe.val_limit, recipe.split_seed)


def whole_dataset_of(run: RunRecord, data: str | Path | None, folder: str | Path | None) -> Dataset:
    """As `dataset_of`, before the recipe's limits."""
    recipe, fraction, seed = run.recipe, run.recipe.val_fraction, run.recipe.split_seed
    if data is None and recipe.dataset in {entry.name for entry in CATALOG}:
        return load_dataset(recipe.dataset, folder, val_fraction=fraction, split_seed=seed)
    place = Path(data).expanduser() if data else _by_name(run, folder)
    if place.suffix.lower() == ".csv" and not place.is_dir():
        return load_manifest(place)
    return load_folder(place, val_fraction=fraction, split_seed=seed)


def validation_of(run: RunRecord, dataset: Dataset, display: Display) -> Pixels:
    """The validation pictures as the run's model was given them.

    Raises:
        GreycardError: they are no longer the same ones.
    """
    validation = split_pixels(run.recipe, dataset.validation, "validation", display)
    if list(validation.ids) != run.predictions["ids"].tolist():
        raise GreycardError(
            f"{run.recipe.dataset} has other validation pictures than {run.name} was measured on",
            hint="--data names the folder or manifest it was trained on",
        )
    return validation


def split_pixels(recipe: Recipe, split: Split, what: str, display: Display) -> Pixels:
    """A split decoded as a recipe wants it."""
    count = display.counting(f"reading {what} images", len(split))
    return load_pixels(split, recipe.image_size, recipe.channels, lambda: count(1))


def _by_name(run: RunRecord, folder: str | Path | None) -> Path:
    """Runs hold no path of the machine they were made on, but the folder's or manifest's own name."""
    name = run.recipe.dataset
    places = (Path(name), data_dir(folder) / name, Path(f"{name}.csv"))
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise GreycardError(
            f"the pictures {run.name} was trained on are needed, and {name} is neither here nor in {data_dir(folder)}",
            hint="--data names their folder or manifest",
        )
    return found
