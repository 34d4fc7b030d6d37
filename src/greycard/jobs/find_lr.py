"""Find a learning rate: train a copy of the model for a few steps at rising rates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from greycard.backend import configure, start
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.jobs.splitting import settle_split
from greycard.jobs.train import Plan, plan_training
from greycard.projects import Project
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.recipe.names import canonical

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from greycard.models.custom import BuildNetwork
    from greycard.training.find_rate import RateTest


@dataclass(frozen=True)
class LearningRates:
    """What the learning-rate finder found.

    Attributes:
        recipe: the recipe that was tried.
        suggested: a good learning rate for it; None if the loss never fell.
        rates: the learning rates that were tried, rising, up to the one at which the loss exploded.
        losses: the training loss of the batch at each rate.
        smooth: their running median.
    """

    recipe: Recipe
    suggested: float | None
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]

    def __repr__(self) -> str:
        return f"LearningRates(suggested={self.suggested}, for {self.recipe!r})"

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if self.suggested is None:
            tried = f"from {self.rates[0]:.2g} to {self.rates[-1]:.2g}"
            return f"no learning rate is suggested: the loss fell at none of those tried, {tried}"
        lowest = min(range(len(self.smooth)), key=self.smooth.__getitem__)
        return (
            f"the loss fell from {self.smooth[0]:.3g} to {self.smooth[lowest]:.3g}, at a learning rate of"
            f" {self.rates[lowest]:.2g}; it had fallen half-way at {self.suggested:g}"
        )

    def figure(self) -> Figure:
        """The loss against the learning rate, a Matplotlib figure."""
        from greycard.reports.rate_figure import rate_figure

        return rate_figure(self.rates, self.losses, self.smooth, self.suggested)

    def _repr_png_(self) -> bytes:
        from greycard.reports.drawing import as_png

        return as_png(self.figure())


def find_lr(
    what: str | Path | Project | Recipe | Dataset | Source,
    dataset: Dataset | Source | str | Path | None = None,
    *,
    model: BuildNetwork | None = None,
    data_dir: str | Path | None = None,
    weights: str | Path | None = None,
    backbone: str | Path | None = None,
    quiet: bool = False,
    **changes: Any,
) -> LearningRates:
    """Try learning rates from 0.000001 to 10 in at most 140 training steps, and suggest one. It writes no run.

    Args:
        what: as for `train`.
        dataset: as for `train`.
        model: as for `train`.
        data_dir: the folder of named datasets.
        weights: of a backbone, as for `train`.
        backbone: as for `train`.
        quiet: True to print nothing.
        changes: fields of the recipe; its learning_rate, schedule and ema have no effect.

    Raises:
        GreycardError: a mistake that the user can correct; the hint says how.
    """
    from greycard.reports.progress import terminal_reporter

    configure()
    plan = plan_training(what, dataset, model, data_dir, weights, backbone, (), canonical(changes))
    _expect_trained_by_epochs(plan.recipe)
    with terminal_reporter(quiet) as reporter:
        return _found(plan, reporter)


def _expect_trained_by_epochs(recipe: Recipe) -> None:
    """Raise a GreycardError for a probe: nothing of it is trained from random weights at a learning rate."""
    model = recipe.model
    if not isinstance(model, ProbeConfig):
        return
    if model.fine_tune:
        why = "starts from a fitted head, and each layer has its own learning rate"
        raise GreycardError(
            f"find-lr cannot try the learning rate of fine-tuning, which {why}",
            hint="train with some, such as --set learning_rate=0.00003, and compare the runs",
        )
    raise GreycardError(
        f"{recipe.architecture}: a probe has no learning rate: its head is fitted at once",
        hint=f"--set backbone={model.backbones[0]} tries a head that is trained by epochs",
    )


def _found(plan: Plan, reporter: Reporter) -> LearningRates:
    recipe, data = settle_split(plan.recipe, plan.data, plan.changes, reporter)
    with reporter.status("starting Keras"):
        start()
    from greycard.core.clock import Clock
    from greycard.training.features import with_cached_features
    from greycard.training.find_rate import try_rates
    from greycard.training.prepare import prepare

    clock = Clock()
    setup = prepare(recipe, data, plan.args.weights, reporter, clock, plan.build)
    setup = with_cached_features(setup, reporter, clock)
    with reporter.status("trying learning rates"):
        test: RateTest = try_rates(setup)
    return LearningRates(setup.recipe, test.suggested, test.rates, test.losses, test.smooth)
