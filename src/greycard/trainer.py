"""Training, and going on with it: the two verbs of the Python API that make a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from greycard.backend import configure, start
from greycard.datasets.core import Dataset
from greycard.datasets.load import load_dataset
from greycard.datasets.splits import DEFAULT_FRACTION
from greycard.errors import GreycardError
from greycard.locations import data_dir as named_data_dir
from greycard.projects import find_project
from greycard.recipe import Recipe
from greycard.run import Run
from greycard.runs.origin import Origin, as_place, read_origin
from greycard.runs.record import RunRecord
from greycard.workflow.choose import choose_recipe
from greycard.workflow.data import dataset_of
from greycard.workflow.splitting import settle_split


def train(
    what: str | Recipe | Dataset,
    dataset: Dataset | None = None,
    *,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: Sequence[str] = (),
    **changes: Any,
) -> Run:
    """Train, and return the finished run.

    Args:
        what: a project's name, a recipe, or a dataset (`load_folder(…)`) for which a recipe is chosen.
        dataset: what to train on instead of the recipe's own dataset.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: of a backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        backbone: a `keras.applications` network or an earlier run's folder to transfer from.
        out: the folder of runs; the run gets its own in it.
        quiet: show nothing.
        track: other tools to tell of every epoch, of `tensorboard` and `mlflow`.
        changes: fields of the recipe, such as `epochs=5` or `rotation_range=20`.

    Raises:
        GreycardError: a mistake that can be mended, with a hint of how.
    """
    from greycard.reports.progress import display

    configure()
    reason = None
    if isinstance(what, Dataset):
        recipe, reason = choose_recipe(what, weights=weights, backbone=backbone)
        dataset = what
    else:
        recipe = find_project(what).recipe if isinstance(what, str) else what
        changes |= {"backbone": str(backbone)} if backbone is not None else {}
    recipe = recipe.replace(**changes)
    _expect_weights(weights, recipe)
    data = dataset or load_dataset(
        recipe.dataset, data_dir, val_fraction=recipe.val_fraction or DEFAULT_FRACTION, split_seed=recipe.split_seed
    )
    origin = Origin(
        data=as_place(data.origin),
        folder=as_place("."),
        data_dir=as_place(named_data_dir(data_dir)),
        weights=as_place(weights),
        track=tuple(track),
        published=_published(what, recipe) if isinstance(what, str) and dataset is None else None,
        reason=reason,
    )
    with display(quiet) as shown:
        if reason:
            shown.says(f"recipe: {reason}")
        recipe, data = settle_split(recipe, data, changes, shown)
        with shown.waiting("starting Keras"):
            start()
            from greycard.workflow.run import run
        return Run(run(recipe, data, origin, out=out, display=shown))


def resume(
    run: str | Path | RunRecord,
    dataset: Dataset | None = None,
    *,
    data: str | Path | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    track: Sequence[str] | None = None,
    quiet: bool = False,
) -> Run:
    """Go on with an unfinished run, and return it finished: number for number as if it had not been ended.

    Args:
        run: its folder.
        dataset: what it was trained on, where that came from no file.
        data: the folder or manifest it was trained on, where it lies elsewhere now.
        data_dir: likewise the folder of named datasets.
        weights: likewise its backbone's weights.
        track: other tools to tell than it was begun with.
        quiet: show nothing.

    Raises:
        GreycardError: it is finished, in training, or its data is no longer what it was.
    """
    from greycard.reports.progress import display

    configure()
    record = run if isinstance(run, RunRecord) else RunRecord(run)
    record.expect_unfinished()
    asked = read_origin(record.path)
    origin = replace(
        asked,
        data=as_place(data) or asked.data,
        data_dir=as_place(data_dir) or asked.data_dir,
        weights=as_place(weights) or asked.weights,
        track=asked.track if track is None else tuple(track),
    )
    found = dataset_of(record, dataset or data, data_dir)
    with display(quiet) as shown:
        with shown.waiting("starting Keras"):
            start()
            from greycard.workflow.run import resume
        return Run(resume(record, found, origin, shown))


def _expect_weights(weights: str | Path | None, recipe: Recipe) -> None:
    """A mistyped path must not be ignored where no weights are needed; a backbone says what it misses by itself."""
    named = weights is not None and str(weights) not in ("imagenet", "none")
    if named and recipe.backbone is None and not Path(str(weights)).expanduser().exists():
        raise GreycardError(
            f"--weights must be a file, a folder, imagenet or none. Received: {weights}, which does not exist",
            hint="check the path; this recipe itself needs no weights",
        )


def _published(name: str, recipe: Recipe) -> dict[str, Any] | None:
    """A project's published figures, unless it is trained on other data than they were measured on."""
    found = find_project(name)
    same = found.recipe.dataset == recipe.dataset
    return found.published.to_json() if found.published and same else None
