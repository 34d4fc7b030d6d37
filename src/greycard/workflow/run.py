"""One run: prepare, begin its folder, train, write what came of it, and last the summary."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from greycard import backend
from greycard.datasets.core import Dataset
from greycard.datasets.digests import file_digest
from greycard.doctor.quick import quick_look
from greycard.errors import GreycardWarning
from greycard.evaluation.calibration import calibration_facts
from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.metrics import best_epoch, read_line, seconds_per_epoch
from greycard.evaluation.time_spent import time_facts
from greycard.models.head import as_probabilities
from greycard.models.precision import computing_in
from greycard.pipeline.pixels import Pixels
from greycard.recipe import Recipe
from greycard.runs.directory import ENVIRONMENT, LABELS, MODEL, RECIPE, SUMMARY, RunDirectory, expect_writable
from greycard.runs.environment import environment, machine, peak_memory_mb
from greycard.runs.evidence import diagnosis_line, evidence_of
from greycard.runs.trackers import expect_installed, trackers
from greycard.training.clock import Clock
from greycard.training.display import Display
from greycard.training.fit import Fitted, fit
from greycard.training.stopping import missed_target, stopping_rules
from greycard.workflow.learner import Learner, learner
from greycard.workflow.mistakes import worst_mistakes
from greycard.workflow.prepare import Prepared, prepare


def run(
    recipe: Recipe,
    dataset: Dataset,
    *,
    weights: str | Path | None,
    out: str | Path,
    display: Display,
    published: dict[str, Any] | None = None,
    reason: str | None = None,
    track: Sequence[str] = (),
) -> Path:
    """Carry a recipe out.

    Args:
        recipe: what to train, and how.
        dataset: what to train on.
        weights: of the backbone: a file, a folder, `imagenet`, `none`, or None for the weights folder.
        out: the folder of runs.
        display: told what happens.
        published: a project's figures, kept in the summary beside ours.
        reason: why this recipe, where Greycard chose it.
        track: other tools to tell, of `tensorboard` and `mlflow`.

    Returns:
        The finished run's folder.

    Raises:
        GreycardError: a mistake a user can mend; before training begins, and so without a folder left behind.
    """
    begun, clock = time.perf_counter(), Clock()
    expect_writable(out)
    expect_installed(track)
    _tell_notes(recipe, dataset)
    prepared = prepare(recipe, dataset, weights, display, clock)
    directory = _begin(prepared, out)
    display.says(_opening(prepared, directory.path))
    data = _look(prepared, display, clock)
    learns = learner(prepared, display, clock)
    told = trackers(track, prepared.recipe, directory.path)
    try:
        hear = [directory.append_history, *(each.epoch for each in told)]
        fitted = _train(prepared.recipe, learns, hear, display, clock)
    except BaseException:  # Ctrl-C, too
        for tracker in told:
            tracker.end(None)
        raise
    with display.waiting("saving"), clock("saving"):
        _write_results(prepared, fitted, directory)
    summary = _summary(prepared, fitted) | {"reason": reason, "published": published, "data": data}
    summary |= _honest(prepared, fitted, summary)
    summary |= time_facts(
        clock.seconds,
        fitted.history,
        images=len(prepared.train),
        augment=learns.train.seconds,
        total=time.perf_counter() - begun,
    )
    directory.write_json(SUMMARY, summary)
    for tracker in told:
        tracker.end(summary)
    _tell_end(summary, display)
    return directory.path


def _tell_notes(recipe: Recipe, dataset: Dataset) -> None:
    for note in [*dataset.notes, *(recipe.augmentation.notes() if recipe.augmentation else ())]:
        warnings.warn(note, GreycardWarning, stacklevel=4)


def _begin(prepared: Prepared, out: str | Path) -> RunDirectory:
    directory = RunDirectory(out, prepared.recipe.name)
    directory.write_json(RECIPE, prepared.recipe.to_json())
    directory.write_json(ENVIRONMENT, environment(backend.describe()))
    directory.write_json(LABELS, {"classes": list(prepared.classes)})
    return directory


def _opening(prepared: Prepared, path: Path) -> str:
    kinds = f", {len(prepared.classes)} classes" if prepared.classes else ""
    return (
        f"{path}: {prepared.recipe.architecture}, {prepared.model.count_params():,} parameters;"
        f" {len(prepared.train):,} training and {len(prepared.validation):,} validation"
        f" {'images' if prepared.classes else 'pairs'}{kinds}"
    )


def _look(prepared: Prepared, display: Display, clock: Clock) -> dict[str, Any] | None:
    """The doctor's quick look at the pictures; a leak is told of before anyone waits for a figure it spoils."""
    if not prepared.classes:
        return None
    with display.waiting("looking for leaks and shift"), clock("check"):
        data = quick_look(prepared.train, prepared.validation, len(prepared.classes))
    if data["leaks"]:
        warnings.warn(
            f"leakage: {data['leaks']:,} of {len(prepared.validation):,} validation images also in training, such as"
            f" {' and '.join(data['leak_example'])}; `greycard check` finds all of them",
            GreycardWarning,
            stacklevel=4,
        )
    return data


def _train(
    recipe: Recipe, learns: Learner, hear: Sequence[Callable[[dict[str, Any]], None]], display: Display, clock: Clock
) -> Fitted:
    def on_epoch(line: dict[str, Any]) -> None:
        for told in hear:
            told(line)

    with computing_in(learns.model, recipe.precision):
        return fit(
            learns.model,
            learns.train,
            learns.validation,
            learns.as_is,
            epochs=recipe.epochs,
            rules=stopping_rules(recipe, len(learns.train.pixels), len(learns.validation.pixels)),
            display=display,
            clock=clock,
            on_epoch=on_epoch,
        )


def _write_results(prepared: Prepared, fitted: Fitted, directory: RunDirectory) -> None:
    """The validation images' probabilities, and the model without its optimizer, ready to predict."""
    held_out = prepared.validation
    probabilities = as_probabilities(fitted.outputs) if prepared.classes else fitted.outputs
    directory.write_predictions(held_out.ids, held_out.labels, probabilities)
    if prepared.classes:
        directory.write_mistakes(*worst_mistakes(held_out, probabilities))
    bare = keras.Model(prepared.model.inputs, prepared.model.outputs, name=prepared.model.name)
    bare.save(directory.incomplete(MODEL))
    directory.complete(MODEL)


def _summary(prepared: Prepared, fitted: Fitted) -> dict[str, Any]:
    """What the table shows: the last epoch, the best one, and how they came about."""
    last, best = fitted.history[-1], best_epoch(fitted.history)
    recipe = prepared.recipe
    return {
        "name": recipe.name,
        "dataset": recipe.dataset,
        "architecture": recipe.architecture,
        "train_images": len(prepared.train),
        "val_images": len(prepared.validation),
        "epochs": len(fitted.history),
        "epochs_planned": recipe.epochs,
        "train_accuracy": last.get("train_accuracy"),
        "val_accuracy": last.get("val_accuracy"),
        "best_val_accuracy": best.get("val_accuracy"),
        "best_epoch": best["epoch"],
        "train_accuracy_after": fitted.after.get("accuracy"),
        "train_loss_after": fitted.after["loss"],
        "train_loss": last["train_loss"],
        "val_loss": last["val_loss"],
        "seconds_per_epoch": seconds_per_epoch(fitted.history),
        "first_epoch_seconds": fitted.history[0]["seconds"],
        "stopped": fitted.stopped or missed_target(recipe, fitted.history, len(_aimed_at(prepared))),
        "parameters": prepared.model.count_params(),
        "seed": recipe.seed,
        "machine": machine(),
        "peak_memory_mb": peak_memory_mb(),
        "left_out": [{"id": item.id, "reason": item.reason} for item in prepared.left_out],
        "weights": _weights(prepared.weights),
        "answer": _line_sentence(prepared) if not prepared.classes else None,
    }


def _aimed_at(prepared: Prepared) -> Pixels:
    return prepared.validation if prepared.recipe.target_split == "validation" else prepared.train


def _honest(prepared: Prepared, fitted: Fitted, summary: dict[str, Any]) -> dict[str, Any]:
    """What makes the figures honest: calibration, and what is wrong with them."""
    if not prepared.classes:
        return {"calibration": None, "diagnosis": []}
    labels, probabilities = prepared.validation.labels, as_probabilities(fitted.outputs)
    calibration = calibration_facts(labels, probabilities) if np.isfinite(probabilities).all() else None
    evidence = evidence_of(
        prepared.recipe, summary | {"calibration": calibration}, fitted.history, probabilities.argmax(axis=1)
    )
    return {"calibration": calibration, "diagnosis": [verdict.to_json() for verdict in diagnose(evidence)]}


def _weights(file: Path | None) -> dict[str, str] | None:
    return None if file is None else {"file": file.name, "sha256": file_digest(file)}


def _line_sentence(prepared: Prepared) -> str | None:
    """For one neuron: its line, and what it answers for the first validation input."""
    values = [np.asarray(value) for value in prepared.model.get_weights()]
    if [value.shape for value in values] != [(1, 1), (1,)]:
        return None
    weight, bias = float(values[0][0, 0]), float(values[1][0])
    asked = float(prepared.validation.images[0, 0])
    return read_line(weight, bias, asked, weight * asked + bias)


def _tell_end(summary: dict[str, Any], display: Display) -> None:
    for sentence in (summary["stopped"], summary["answer"], diagnosis_line(summary)):
        if sentence:
            display.says(sentence)
