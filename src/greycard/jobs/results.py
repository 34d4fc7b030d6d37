"""The results of a run: predictions, model and summary."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from greycard.audit.facts import Preflight
from greycard.core.clock import Clock
from greycard.core.published import Published
from greycard.datasets.digests import file_digest
from greycard.evaluation.calibration import calibration_of
from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.diagnosis.labels import diagnose_labels
from greycard.evaluation.label_scores import LabelScores, label_scores
from greycard.evaluation.metrics import best_epoch, read_line, seconds_per_epoch
from greycard.evaluation.rejection.record import Rejection
from greycard.evaluation.thresholds import choose_thresholds, cross_fitted
from greycard.evaluation.timing import TimeSpent, time_spent
from greycard.jobs.mistakes import worst_mistakes
from greycard.models.finite import non_finite_weights
from greycard.models.model import Weights
from greycard.models.saved import save_model
from greycard.pipeline.array_split import ArraySplit
from greycard.runs.directory import RunDirectory
from greycard.runs.environment import machine, peak_memory_mb
from greycard.runs.evidence import evidence_of, number_verdicts
from greycard.runs.numbers import number_figures
from greycard.runs.run_args import RunArgs
from greycard.runs.schema import Summary, WeightsFile
from greycard.tasks.multilabel import MultiLabel
from greycard.training.loop import FitResult, Measured
from greycard.training.setup import TrainSetup
from greycard.training.stopping import missed_target


def with_thresholds(setup: TrainSetup, result: FitResult) -> TrainSetup:
    """The setup whose task decides by thresholds chosen on validation, if an image can have several labels."""
    if not isinstance(setup.task, MultiLabel):
        return setup
    val = setup.arrays.validation
    chosen = choose_thresholds(val.labels, setup.task.to_probabilities(result.outputs))
    return replace(setup, task=MultiLabel(setup.task.classes, tuple(chosen.tolist())))


def write_results(setup: TrainSetup, result: FitResult, directory: RunDirectory) -> None:
    """Write the probabilities or numbers of the validation images, and the model without its optimizer."""
    val = setup.arrays.validation
    probabilities = setup.task.to_probabilities(result.outputs)
    directory.write_predictions(val.ids, val.labels, probabilities)
    if setup.recipe.data.has_images:
        directory.write_mistakes(*worst_mistakes(setup.task, val, probabilities))
    save_model(setup.saved.model, directory.path)


@dataclass(frozen=True)
class Known:
    """The facts of a summary that training does not measure.

    Attributes:
        reason: why Greycard chose this recipe; None if the user chose it.
        published: results published by the project's author.
        data: the results of the preflight check.
        test: the finished model's metrics on the test images; None if there are none.
        test_labels: each label's figures there, if an image can have several.
        rejection: the promise about images that belong to no class; None for none.
        args: of the command that trained it.
    """

    reason: str | None
    published: Published | None
    data: Preflight | None
    test: Measured | None
    test_labels: LabelScores | None = None
    rejection: Rejection | None = None
    args: RunArgs = field(default_factory=RunArgs)


def summarise(setup: TrainSetup, result: FitResult, clock: Clock, *, run: str, known: Known) -> Summary:
    """Make the summary of a run.

    Args:
        setup: what was trained.
        result: the result of training.
        clock: has the time of each part.
        run: the name of the run's folder.
        known: the parts that do not come from training.
    """

    def spent() -> TimeSpent:
        images, augment = len(setup.arrays.train), setup.loaders.train.seconds
        return time_spent(clock.seconds, result.history, images=images, augment=augment, total=clock.total)

    figures = _figures(setup, result, spent(), known)
    diagnosed = _diagnosed if setup.task.has_classes else _with_numbers
    summary = diagnosed(setup, result, figures, run, known)
    return replace(summary, time=spent())  # the diagnosis takes time, too


def _figures(setup: TrainSetup, result: FitResult, time: TimeSpent, known: Known) -> Summary:
    """The figures of the table: the kept epoch, the best epoch, and the facts of the run."""
    kept, best = result.history[(result.kept or 0) - 1], best_epoch(result.history)
    recipe = setup.recipe
    return Summary(
        name=recipe.name,
        dataset=recipe.data.dataset,
        architecture=recipe.architecture,
        train_images=len(setup.arrays.train),
        val_images=len(setup.arrays.validation),
        epochs=len(result.history),
        epochs_planned=recipe.training.epochs,
        train_accuracy=kept.train_accuracy,
        val_accuracy=result.val.accuracy,
        best_val_accuracy=best.val_accuracy,
        best_epoch=best.epoch,
        kept_epoch=result.kept,
        train_accuracy_after=result.train_eval.accuracy,
        train_loss_after=result.train_eval.loss,
        train_loss=kept.train_loss,
        val_loss=result.val.loss,
        seconds_per_epoch=seconds_per_epoch(result.history),
        first_epoch_seconds=result.history[0].seconds,
        time=time,
        stopped=_ending(setup, result),
        resumed=result.resumed,
        parameters=setup.model.network.count_params(),
        seed=recipe.training.seed,
        precision=recipe.training.precision,
        machine=machine(),
        peak_memory_mb=peak_memory_mb(),
        expected_memory_mb=round(setup.expected_bytes / 1e6, 1),
        left_out=tuple(setup.left_out),
        weights=_weights(setup.weights),
        answer=None if recipe.data.has_images else _line_sentence(setup),
        reason=known.reason,
        published=known.published,
        data=known.data,
        rejection=known.rejection,
        test_images=len(setup.arrays.test) if setup.arrays.test and known.test else None,
        test_accuracy=known.test.accuracy if known.test else None,
        test_loss=known.test.loss if known.test else None,
        test_labels=known.test_labels,
        labels=_label_scores(setup, result),
    )


def _ending(setup: TrainSetup, result: FitResult) -> str | None:
    """Why training stopped early or missed its target, and a warning if the model has non-finite weights."""
    reason = result.stopped or missed_target(setup.recipe, result.history, len(_target_images(setup)))
    bad = non_finite_weights(setup.model.network)
    unfit = (
        f"the model cannot predict: {bad:,} of its {setup.model.network.count_params():,} weights are NaN or infinite"
    )
    return "; ".join(filter(None, (reason, unfit if bad else None))) or None


def _target_images(setup: TrainSetup) -> ArraySplit:
    return setup.arrays.validation if setup.recipe.stopping.target_split == "validation" else setup.arrays.train


def _with_numbers(setup: TrainSetup, result: FitResult, summary: Summary, run: str, known: Known) -> Summary:
    """The summary with the errors, the prediction intervals and the diagnosis of a regression on images."""
    task, validation = setup.task, setup.arrays.validation
    if task.target is None:
        return summary
    predicted, test = task.decide(result.outputs), known.test
    on_test = (test.numbers, test.reach) if test else ()
    summary = replace(summary, numbers=number_figures(task.target, validation.labels, predicted, *on_test))
    verdicts = number_verdicts(setup.recipe, summary, result.history, validation.labels, run, known.args)
    return replace(summary, diagnosis=tuple(verdicts))


def _diagnosed(setup: TrainSetup, result: FitResult, summary: Summary, run: str, known: Known) -> Summary:
    """The summary with calibration and diagnosis."""
    task = setup.task
    labels, probabilities = setup.arrays.validation.labels, task.to_probabilities(result.outputs)
    calibration = calibration_of(labels, probabilities) if np.isfinite(probabilities).all() else None
    summary = replace(summary, calibration=calibration)
    evidence = evidence_of(
        setup.recipe, summary, result.history, setup.classes, labels, task.decide(probabilities), run, known.args
    )
    if summary.labels:
        return replace(summary, diagnosis=tuple(diagnose_labels(evidence, summary.labels)))
    return replace(summary, diagnosis=tuple(diagnose(evidence)))


def _label_scores(setup: TrainSetup, result: FitResult) -> LabelScores | None:
    """The figures of several labels per image on validation: no image has a part in the thresholds it is decided by."""
    if not isinstance(setup.task, MultiLabel):
        return None
    labels, probabilities = setup.arrays.validation.labels, setup.task.to_probabilities(result.outputs)
    decided = cross_fitted(labels, probabilities)
    return label_scores(labels, probabilities, decided, setup.classes, setup.task.thresholds)


def _weights(files: Weights) -> tuple[WeightsFile, ...]:
    return tuple(WeightsFile(file.name, file_digest(file)) for file in files if file is not None)


def _line_sentence(setup: TrainSetup) -> str | None:
    """For a single neuron: its line, and its prediction for the first validation input."""
    values = [np.asarray(value) for value in setup.model.network.get_weights()]
    if [value.shape for value in values] != [(1, 1), (1,)]:
        return None
    weight, bias = float(values[0][0, 0]), float(values[1][0])
    value = float(setup.arrays.validation.images[0, 0])
    return read_line(weight, bias, value, weight * value + bias)
