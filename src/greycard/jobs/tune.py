"""Measure how this machine computes training steps fastest, and keep the result for later runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from greycard import backend
from greycard.backend import configure, start
from greycard.backend.choices import is_faster
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.jobs.find_recipe import find_recipe
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, MlpConfig, ResNetConfig

if TYPE_CHECKING:
    from greycard.backend.choices import Measured

DEFAULT = ("mnist-dnn", "mnist-cnn", "cats-dogs-3k-cnn", "horses-humans-cnn", "fashion-mnist-10-minutes")
"""Projects with networks of all families and sizes."""

_FAMILIES = (MlpConfig, ConvNetConfig, ResNetConfig)


@dataclass(frozen=True)
class Tuned:
    """What was measured.

    Attributes:
        measured: the time of each way of each operation.
        speeds: images per second of whole training steps: project → precision → speed.
        file: where it is kept.
    """

    measured: tuple[Measured, ...]
    speeds: Mapping[str, Mapping[str, float]]
    file: Path


def tune(what: str | Path | None = None, *, quiet: bool = False) -> Tuned:
    """Measure the operations of a project's network, or of several typical ones, in every useful precision.

    Args:
        what: a project's name or a recipe file; None for typical networks, which also decide in which precision each
            family of models is trained: one network would not stand for its family.
        quiet: True to print nothing.

    Raises:
        GreycardError: no such project; a network that is not trained from scratch; or another backend than TensorFlow
            on a CPU, for which there is nothing to choose.
    """
    from greycard.reports.progress import terminal_reporter

    configure()
    recipes = [find_recipe(name) for name in ([what] if what else DEFAULT)]
    for recipe in recipes:
        _expect_family(recipe)
    with terminal_reporter(quiet) as reporter:
        with reporter.status("starting Keras"):
            start()
        _expect_choices()
        return _tuned(recipes, reporter, of_families=what is None)


def _expect_family(recipe: Recipe) -> None:
    if not isinstance(recipe.model, _FAMILIES) or recipe.data.image_size is None:
        raise GreycardError(
            f"{recipe.name} trains {recipe.architecture}, whose steps have nothing to choose",
            hint="tune a project that trains a network from scratch, such as cats-dogs-3k-cnn",
        )


def _expect_choices() -> None:
    facts = backend.describe()
    if facts["backend"] != "tensorflow" or facts["device"] != "CPU":
        raise GreycardError(
            f"only TensorFlow on a CPU has choices to tune. Received: {facts['backend']} on {facts['device']}",
            hint="set KERAS_BACKEND=tensorflow",
        )


def _tuned(recipes: Sequence[Recipe], reporter: Reporter, *, of_families: bool) -> Tuned:
    from greycard.backend.measurements import keep
    from greycard.training.tune import measure_operations

    today, measured = datetime.now(UTC).date().isoformat(), {}
    for recipe in recipes:
        for one in measure_operations(recipe, precisions_of(recipe)):
            measured[one.shape] = one
            reporter.log(f"{recipe.name}: {one.shape}")
        keep(tuple(measured.values()), {}, today)
    speeds = {recipe.name: _speeds(recipe, reporter) for recipe in recipes}
    precisions = _faster_precisions(recipes, speeds) if of_families else {}
    return Tuned(tuple(measured.values()), speeds, keep((), precisions, today))


def _speeds(recipe: Recipe, reporter: Reporter) -> dict[str, float]:
    from greycard.training.tune import images_per_second

    found = {}
    for precision in precisions_of(recipe):
        with reporter.status(f"{recipe.name}: training in {precision}"):
            found[precision] = images_per_second(recipe, precision)
    return found


def precisions_of(recipe: Recipe) -> tuple[str, ...]:
    """The precisions that are worth measuring: without support by the processor, bfloat16 never is."""
    from greycard.backend.precision import BFLOAT16, FLOAT32, PRECISIONS, best_precision, requested_precision

    stated = recipe.training.precision
    if requested := requested_precision() if stated == "auto" else stated:
        return (requested,)
    return PRECISIONS if best_precision() == BFLOAT16 else (FLOAT32,)


def _faster_precisions(recipes: Sequence[Recipe], speeds: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """The faster precision of each family of which a network was measured in both."""
    both = [(recipe.model.kind, speeds[recipe.name]) for recipe in recipes if len(speeds[recipe.name]) > 1]
    return {
        kind: "float32" if all(_is_slower_in_bfloat16(speed) for other, speed in both if other == kind) else "bfloat16"
        for kind, _ in both
    }


def _is_slower_in_bfloat16(speed: Mapping[str, float]) -> bool:
    return is_faster(1 / speed["float32"], 1 / speed["bfloat16"])
