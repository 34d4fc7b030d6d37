"""Follow: train as a worker of a group that computes its parts of each batch and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.backend.exchange import Exchange
from greycard.core.clock import Clock
from greycard.core.reporter import Silent
from greycard.datasets.dataset import Dataset
from greycard.jobs.train import Plan, settle_plan, start_for
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs

if TYPE_CHECKING:
    from greycard.models.custom import BuildNetwork
    from greycard.training.setup import TrainSetup


def follow_plan(plan: Plan, exchange: Exchange) -> None:
    """Train a new run with the worker that calls `train_plan`; raises as it does."""
    recipe, data = settle_plan(plan, Silent())
    from greycard.training.prepare import prepare

    clock = Clock()
    _follow(prepare(recipe, data, plan.args.weights, Silent(), clock, plan.build), exchange, clock)


def follow_run(run: RunRecord, dataset: Dataset, args: RunArgs, model: BuildNetwork | None, exchange: Exchange) -> None:
    """Continue a run with the worker that calls `resume_run`; raises as it does."""
    start_for(run.recipe)
    from greycard.training.prepare import prepare

    clock, named = Clock(), replace(dataset, name=run.recipe.data.dataset)
    _follow(prepare(run.recipe, named, args.weights, Silent(), clock, model), exchange, clock)


def _follow(setup: TrainSetup, exchange: Exchange, clock: Clock) -> None:
    from greycard.training.checkpointer import Checkpointer
    from greycard.training.interruption import Interruption
    from greycard.training.loop import fit

    setup, interruption = replace(setup, exchange=exchange), Interruption()
    checkpointer = Checkpointer(Path(), setup.data_digest, clock, interruption, setup.recipe.stopping.keep, exchange)
    with interruption.awaited():
        fit(setup, checkpointer, [], Silent(), clock)
