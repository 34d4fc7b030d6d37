"""Train a run: in this process, or with several workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.cluster.group import train_group
from greycard.cluster.where import HERE
from greycard.cluster.workers import ask_workers
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.jobs.open_run import Run
from greycard.jobs.train import Plan, plan_training, train_here
from greycard.projects import Project
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.recipe.names import canonical
from greycard.runs.author import author_of
from greycard.runs.run_args import options_of

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork


def train(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    model: BuildNetwork | None = None,
    callbacks: Sequence[object] = (),
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    out: str | Path = "runs",
    quiet: bool = False,
    track: str | Sequence[str] = (),
    author: str | None = None,
    workers: int | None = None,
    on: str = HERE,
    **changes: Any,
) -> Run:
    """Train, and return the finished run.

    Args:
        what: a project, its name or a Python file with one; a recipe or its file (`recipe.yaml`); or anything that
            `open_dataset` takes, for which a recipe is chosen.
        dataset: replaces the recipe's dataset: anything that `open_dataset` takes.
        model: builds your own Keras model, called with (height, width, channels) and the number of classes; the model
            takes pixels from 0 to 255 and returns probabilities.
        callbacks: `keras.callbacks.Callback` objects, and functions that are called with the `Epoch` after each epoch.
        data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
        weights: a file, a folder, `imagenet` or `none`; by default the weights folder, then the installed package.
        backbone: a pretrained network's name or an earlier run's folder to transfer from.
        out: the folder of runs; the run gets a new folder in it.
        quiet: True to print nothing.
        track: other tools to log to: `tensorboard`, `mlflow`.
        author: the name of who trains, shown in tables.
        workers: how many share each batch, a power of two; None to train in this process.
        on: where they are: by default in processes of this machine; `HOST:PORT` of a Ray cluster, or `cluster`.
        changes: fields of the recipe, such as `epochs=5`, `rotation_range=20` or `**{"model.kind": "convnet"}`.

    Raises:
        GreycardError: a mistake that the user can correct; the hint says how.
    """
    group, by = ask_workers(workers, on, callbacks), author_of(author)
    plan = plan_training(what, dataset, model, data_dir, weights, backbone, track, canonical(changes))
    if group is None:
        return train_here(plan, callbacks, out, by, quiet)
    return train_group(_in_parts(plan, group.count, weights, backbone), group, out, by, quiet)


def _in_parts(plan: Plan, workers: int, weights: str | Path | None, backbone: str | Path | None) -> Plan:
    """The plan with a part of each batch for each worker at least."""
    expect_batches(plan.recipe)
    if plan.recipe.training.parts >= workers:
        return plan
    changes = {**plan.changes, "training.parts": workers}
    args = replace(plan.args, options=options_of(weights, backbone, changes))
    return replace(plan, recipe=plan.recipe.replace(parts=workers), changes=changes, args=args)


def expect_batches(recipe: Recipe) -> None:
    """Raise a GreycardError for a recipe without batches that workers could share."""
    if isinstance(recipe.model, ProbeConfig):
        raise GreycardError(
            "a probe is fitted on features that are computed once, so workers have no batches to share",
            hint="leave out --workers; --weights none trains a network from scratch, which workers can share",
        )
