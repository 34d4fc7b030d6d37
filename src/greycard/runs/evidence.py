"""Collect the evidence for a diagnosis from a run's files."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.datasets.label_sets import class_counts, has_several
from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.diagnosis.evidence import Evidence, Probe, Verdict
from greycard.evaluation.diagnosis.labels import diagnose_labels
from greycard.evaluation.diagnosis.learning import not_a_number
from greycard.evaluation.diagnosis.numbers import NumberEvidence, beyond, diagnose_numbers
from greycard.models.preferred import available
from greycard.recipe import Recipe
from greycard.recipe.model import CustomConfig, ProbeConfig, ResNetConfig
from greycard.runs.record import RunRecord
from greycard.runs.run_args import RunArgs, read_run_args
from greycard.runs.schema import Summary
from greycard.training.recommend import LEAST_PIXELS
from greycard.training.stopping import missed_target

_NO_ARGS = RunArgs()


def verdicts(run: RunRecord) -> list[Verdict]:
    """The diagnosis of a finished run; empty for a regression on numbers.

    Raises:
        GreycardError: the run is unfinished, or one of its files is damaged.
    """
    if not run.recipe.data.has_images:
        return []
    summary, found = run.summary, run.predictions
    args = read_run_args(run.path)
    if not run.task.has_classes:
        return number_verdicts(run.recipe, summary, run.history, found["labels"], run.name, args)
    guesses = run.task.decide(found["probabilities"])
    evidence = evidence_of(run.recipe, summary, run.history, run.classes, found["labels"], guesses, run.name, args)
    return diagnose_labels(evidence, summary.labels) if summary.labels else diagnose(evidence)


def evidence_of(
    recipe: Recipe,
    summary: Summary,
    history: Sequence[Epoch],
    classes: Sequence[str],
    labels: np.ndarray,
    guesses: np.ndarray,
    run: str,
    args: RunArgs = _NO_ARGS,
) -> Evidence:
    """The figures of one classification run.

    Args:
        recipe: the run's recipe.
        summary: its figures; the diagnosis in it is not used.
        history: every epoch.
        classes: their names.
        labels: int (validation images,), the class of each; or uint8 (validation images, classes) of 0 and 1.
        guesses: of the same shape, what is predicted.
        run: the name of its folder.
        args: of the command that trained it.
    """
    data, calibration, count = summary.data, summary.calibration, len(classes)
    return Evidence(
        history=history,
        train_images=summary.train_images,
        val_images=summary.val_images,
        kept_epoch=summary.kept_epoch,
        train_accuracy_after=summary.train_accuracy_after,
        val_accuracy_after=summary.val_accuracy,
        **_of_recipe(recipe, args.data_name or recipe.data.dataset, chosen=summary.reason is not None),
        run=run,
        options=args.options,
        target_reached=_target_reached(recipe, summary, history),
        network=_network_here(),
        classes=classes,
        train_counts=data.train_counts if data else (),
        val_counts=class_counts(labels, count).tolist(),
        right_counts=_right_counts(labels, guesses, count),
        leaks=data.leaks if data else None,
        leak_example=data.leak_example if data else None,
        shift=data.shift if data else None,
        calibration_error=calibration.error if calibration else None,
        temperature=calibration.temperature if calibration else None,
    )


def _right_counts(labels: np.ndarray, guesses: np.ndarray, count: int) -> list[int]:
    """For each class, the images with it for which it is predicted."""
    right = labels * guesses if has_several(labels) else labels[labels == guesses]
    return [int(each) for each in class_counts(right, count)]


def number_verdicts(
    recipe: Recipe,
    summary: Summary,
    history: Sequence[Epoch],
    labels: np.ndarray,
    run: str,
    args: RunArgs = _NO_ARGS,
) -> list[Verdict]:
    """The diagnosis of one regression on images.

    Args:
        recipe: the run's recipe.
        summary: its figures; the diagnosis in it is not used.
        history: every epoch.
        labels: float (validation images,), the true number of each.
        run: the name of its folder.
        args: of the command that trained it.
    """
    nobody = np.empty(0, np.int64)
    base, numbers = evidence_of(recipe, summary, history, (), nobody, nobody, run, args), summary.numbers
    if numbers is None:
        diverged = not_a_number(base)
        return [diverged] if diverged else []
    return diagnose_numbers(
        NumberEvidence(
            base=base,
            target=numbers.target,
            scores=numbers.validation,
            reach=numbers.reach,
            train_loss=summary.train_loss_after,
            val_loss=summary.val_loss,
            outside=beyond(labels, numbers.target),
        )
    )


def _of_recipe(recipe: Recipe, data: str, *, chosen: bool) -> dict[str, Any]:
    """The evidence that comes from the recipe alone.

    Args:
        recipe: the run's recipe.
        data: the name of its folder or file, which can be typed where that is.
        chosen: whether Greycard chose it for a folder; otherwise it belongs to a project.
    """
    folder = shlex.quote(data)
    return {
        "command": f"greycard train {folder}" if chosen else f"greycard run {shlex.quote(recipe.name)}",
        "folder": folder,
        "epochs_planned": recipe.training.epochs,
        "patience": None if recipe.schedule.changes else recipe.stopping.patience,
        "minutes": recipe.stopping.minutes,
        "learning_rate": recipe.optimizer.learning_rate,
        "augmented": recipe.augmentation is not None,
        "balanced": recipe.loss.balance != "none",
        "soft_labels": recipe.loss.label_smoothing > 0 or recipe.mixing.is_on,
        "pretrained": bool(recipe.backbones),
        "own_model": isinstance(recipe.model, CustomConfig),
        "probe": _probe(recipe),
        "larger": _larger(recipe),
        "tiny": recipe.data.image_size is not None and min(recipe.data.image_size) < LEAST_PIXELS,
        "grey": recipe.data.channels == 1,
    }


def _probe(recipe: Recipe) -> Probe | None:
    model = recipe.model
    if not isinstance(model, ProbeConfig):
        return None
    return Probe(model.backbones, model.fine_tune, recipe.prediction.views)


def _larger(recipe: Recipe) -> str:
    """The setting for a larger network of the same family."""
    return f"width={2 * recipe.model.width}" if isinstance(recipe.model, ResNetConfig) else "dense=512"


def _network_here() -> str | None:
    """A pretrained network with weights on this machine, or None."""
    with suppress(GreycardError):
        return next((network.name for network in available()), None)
    return None


def _target_reached(recipe: Recipe, summary: Summary, history: Sequence[Epoch]) -> bool:
    stopping = recipe.stopping
    images = summary.val_images if stopping.target_split == "validation" else summary.train_images
    return stopping.target_accuracy is not None and missed_target(recipe, history, images) is None


def diagnosis_line(summary: Summary) -> str | None:
    """The first verdict in one line, and the names of the others; None if there is none."""
    if not summary.diagnosis:
        return None
    first, *more = summary.diagnosis
    others = ", ".join(verdict.name for verdict in more)
    return f"{first.name}: {first.sentence}" + (f" (also: {others})" if others else "")
