"""The input of a diagnosis: plain figures, from a run or from a published history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from greycard.audit.facts import Shift
from greycard.core.epoch import Epoch
from greycard.evaluation.intervals import accuracy_interval

_PLATEAU = 3
"""The minimum number of epochs without improvement that count as a plateau."""


@dataclass(frozen=True)
class Verdict:
    """One problem of a run, or the statement that there is none.

    Attributes:
        name: one or two words, as the table shows it.
        sentence: the problem, with its figures.
        next_step: what to do about it.
    """

    name: str
    sentence: str
    next_step: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "sentence": self.sentence, "next_step": self.next_step}


@dataclass(frozen=True)
class Probe:
    """A model that was fitted at once, which has no epochs to add and no learning rate to lower.

    Attributes:
        backbones: its pretrained networks.
        fine_tune: the part that was trained by epochs after the fit: `last`, `all`, or None.
        views: the versions of each image: `flip`, `crops`, or None.
    """

    backbones: Sequence[str]
    fine_tune: str | None = None
    views: str | None = None


@dataclass(frozen=True)
class Evidence:
    """The figures of one training.

    Attributes:
        history: every epoch.
        train_images: number of training images.
        val_images: number of validation images.
        kept_epoch: the epoch, from 1, whose weights the run has; None for the last one.
        train_accuracy_after: accuracy on the unaugmented training images after training.
        val_accuracy_after: accuracy of the saved model on validation; it can differ from every epoch's, with views of
            each image or averaged weights. None for that of the kept epoch.
        command: the command that trains on the same images, for advice that works when typed.
        options: its options that made the run what it is, such as `--weights none` and `--set width=24`.
        folder: the folder of the images, as the user types it.
        run: the run's name.
        epochs_planned: the maximum number of epochs; None if unknown.
        patience: the number of epochs without improvement after which training stops.
        minutes: the time limit.
        target_reached: True if it stopped because it reached the target accuracy.
        learning_rate: the optimizer's learning rate.
        augmented: True if the training images were augmented.
        balanced: True if the training gave the same weight to classes of different sizes.
        soft_labels: True if the training labels were smoothed or mixed, which makes a model less sure on purpose.
        validation_augmented: True if the validation images were augmented.
        pretrained: True if the features come from another training.
        own_model: True if a function of the user's builds the model, which no command can train.
        probe: the model if it is a probe, else None.
        larger: the setting for a larger network.
        network: a pretrained network whose weights are on this machine; None if there is none.
        tiny: True if the images are too small for networks that are pretrained on photographs.
        grey: True if the model has one input channel; pretrained networks need three.
        classes: the names of the classes.
        train_counts: training images of each class.
        val_counts: validation images of each class.
        right_counts: correctly predicted validation images of each class.
        leaks: number of validation images whose exact pixels are in training; None if this was not checked.
        leak_example: a pair of such images.
        shift: how well a classifier separates training from validation images.
        calibration_error: the expected calibration error on validation.
        temperature: the temperature that corrects it.
    """

    history: Sequence[Epoch]
    train_images: int
    val_images: int
    kept_epoch: int | None = None
    train_accuracy_after: float | None = None
    val_accuracy_after: float | None = None
    command: str = "greycard train FOLDER"
    options: Sequence[str] = ()
    folder: str = "FOLDER"
    run: str = "RUN"
    epochs_planned: int | None = None
    patience: int | None = None
    minutes: float | None = None
    target_reached: bool = False
    learning_rate: float = 0.001
    augmented: bool = False
    balanced: bool = False
    soft_labels: bool = False
    validation_augmented: bool = False
    pretrained: bool = False
    own_model: bool = False
    probe: Probe | None = None
    larger: str = "dense=512"
    network: str | None = None
    tiny: bool = False
    grey: bool = False
    classes: Sequence[str] = ()
    train_counts: Sequence[int] = ()
    val_counts: Sequence[int] = ()
    right_counts: Sequence[int] = ()
    leaks: int | None = None
    leak_example: tuple[str, str] | None = None
    shift: Shift | None = None
    calibration_error: float | None = None
    temperature: float | None = None

    @cached_property
    def train_accuracies(self) -> np.ndarray:
        """The training accuracy of every epoch, float64 (epochs,), NaN if it is not known."""
        return _series(epoch.train_accuracy for epoch in self.history)

    @cached_property
    def val_accuracies(self) -> np.ndarray:
        """The validation accuracy of every epoch, float64 (epochs,), NaN if it is not known."""
        return _series(epoch.val_accuracy for epoch in self.history)

    @cached_property
    def val_losses(self) -> np.ndarray:
        """The validation loss of every epoch, float64 (epochs,), NaN if it was NaN or infinite."""
        return _series(epoch.val_loss for epoch in self.history)

    @cached_property
    def train(self) -> float:
        """The training accuracy to compare with the validation accuracy."""
        kept = float(self.train_accuracies[self._kept])
        return kept if self.train_accuracy_after is None else self.train_accuracy_after

    @cached_property
    def validation(self) -> float:
        """The validation accuracy of the saved model."""
        kept = float(self.val_accuracies[self._kept])
        return kept if self.val_accuracy_after is None else self.val_accuracy_after

    @property
    def _kept(self) -> int:
        """The position in the history of the epoch whose weights the run has."""
        return len(self.history) - 1 if self.kept_epoch is None else self.kept_epoch - 1

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Of the validation accuracy."""
        return accuracy_interval(self.validation, self.val_images)

    @cached_property
    def best(self) -> tuple[int, float]:
        """The epoch, from 1, of the highest validation accuracy, and that accuracy."""
        accuracies = self.val_accuracies
        position = int(np.nanargmax(accuracies))
        return position + 1, float(accuracies[position])

    @cached_property
    def past_best(self) -> bool:
        """True if neither validation accuracy, if there is one, nor validation loss improved over the last epochs."""
        losses = self.val_losses
        lowest = 0 if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1
        highest = 0 if np.isnan(self.val_accuracies).all() else self.best[0]
        since = len(self.history) - max(highest, lowest)
        return since >= (self.patience or max(_PLATEAU, len(self.history) // 5))

    @property
    def fitted_at_once(self) -> bool:
        """True for a probe without fine-tuning."""
        return self.probe is not None and self.probe.fine_tune is None

    @property
    def time_ended_it(self) -> bool:
        """True if the time limit ended training before the planned number of epochs."""
        early = self.epochs_planned is not None and len(self.history) < self.epochs_planned
        return early and self.minutes is not None and not self.past_best

    @cached_property
    def majority(self) -> float:
        """The fraction of the largest class in validation: the accuracy of always predicting that class."""
        return max(self.val_counts) / sum(self.val_counts) if self.val_counts else 0.0

    @cached_property
    def gap(self) -> tuple[float, float]:
        """Training minus validation accuracy, and the part of it that is outside validation's interval."""
        return self.train - self.validation, self.train - self.interval[1]


def _series(figures: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if figure is None else figure for figure in figures], dtype=np.float64)


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def interval_text(accuracy: float, images: int) -> str:
    """`75.0 % (72.2 to 77.6 %)`."""
    low, high = accuracy_interval(accuracy, images)
    return f"{percent(accuracy)} ({100 * low:.1f} to {100 * high:.1f} %)"
