"""What a diagnosis is made from: plain figures, so that it can be made of a run, or of a history someone published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from greycard.audit.facts import Shift
from greycard.core.epoch import Epoch
from greycard.evaluation.intervals import accuracy_interval

_PLATEAU = 3
"""The fewest epochs without improvement that count as a plateau."""


@dataclass(frozen=True)
class Verdict:
    """One thing that is wrong, or that all is well.

    Attributes:
        name: in one or two words, as the table shows it.
        sentence: what is seen, with its figures.
        next_step: the one thing to do about it.
    """

    name: str
    sentence: str
    next_step: str

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "sentence": self.sentence, "next_step": self.next_step}


@dataclass(frozen=True)
class Evidence:
    """The figures of one training.

    Attributes:
        history: every epoch.
        train_images: trained on.
        val_images: measured on.
        kept_epoch: the epoch, from 1, whose weights the run has; None for the last one.
        train_accuracy_after: measured after training on the training images as they are.
        command: what trains this again, for advice that can be typed.
        folder: the images it was trained on, as one types it.
        run: its name.
        epochs_planned: the most epochs it was allowed; None where that is not known.
        patience: epochs without improvement after which it was to stop.
        minutes: its time limit.
        target_reached: whether it stopped because it reached the accuracy it was asked for.
        learning_rate: the optimizer's.
        augmented: whether training images were augmented.
        validation_augmented: whether validation images were.
        pretrained: whether the features are another training's.
        network: a pretrained network whose weights are on this machine; None where there is none.
        tiny: whether the images are too small for the networks that are pretrained on photographs.
        grey: whether it learned from one channel; pretrained networks take three.
        classes: their names.
        train_counts: training images of each class.
        val_counts: validation images of each class.
        right_counts: how many of those were answered rightly.
        leaks: validation images whose very pixels are in training too; None where nobody looked.
        leak_example: a pair of such images.
        shift: how well a classifier tells training from validation images.
        calibration_error: the expected one on validation.
        temperature: that mends it.
    """

    history: Sequence[Epoch]
    train_images: int
    val_images: int
    kept_epoch: int | None = None
    train_accuracy_after: float | None = None
    command: str = "greycard train FOLDER"
    folder: str = "FOLDER"
    run: str = "RUN"
    epochs_planned: int | None = None
    patience: int | None = None
    minutes: float | None = None
    target_reached: bool = False
    learning_rate: float = 0.001
    augmented: bool = False
    validation_augmented: bool = False
    pretrained: bool = False
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
        """Of every epoch, float64 (epochs,), NaN where it was not measured."""
        return _series(epoch.train_accuracy for epoch in self.history)

    @cached_property
    def val_accuracies(self) -> np.ndarray:
        """Of every epoch, float64 (epochs,), NaN where it was not measured."""
        return _series(epoch.val_accuracy for epoch in self.history)

    @cached_property
    def val_losses(self) -> np.ndarray:
        """Of every epoch, float64 (epochs,), NaN where it was NaN or infinite."""
        return _series(epoch.val_loss for epoch in self.history)

    @cached_property
    def train(self) -> float:
        """The training accuracy to compare with validation's."""
        kept = float(self.train_accuracies[self._kept])
        return kept if self.train_accuracy_after is None else self.train_accuracy_after

    @cached_property
    def validation(self) -> float:
        """The validation accuracy of the weights that the run has."""
        return float(self.val_accuracies[self._kept])

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
        """Whether neither accuracy nor loss on validation got better over the last epochs: a plateau, or a decline."""
        losses = self.val_losses
        lowest = 0 if np.isnan(losses).all() else int(np.nanargmin(losses)) + 1
        since = len(self.history) - max(self.best[0], lowest)
        return since >= (self.patience or max(_PLATEAU, len(self.history) // 5))

    @property
    def time_ended_it(self) -> bool:
        """Whether its time limit ended it before the epochs that were planned."""
        early = self.epochs_planned is not None and len(self.history) < self.epochs_planned
        return early and self.minutes is not None and not self.past_best

    @cached_property
    def majority(self) -> float:
        """The share of the largest class in validation: what answering always the same would reach."""
        return max(self.val_counts) / sum(self.val_counts) if self.val_counts else 0.0

    @cached_property
    def gap(self) -> tuple[float, float]:
        """Training minus validation accuracy, and how much of it validation's interval leaves for certain."""
        return self.train - self.validation, self.train - self.interval[1]


def _series(figures: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if figure is None else figure for figure in figures], dtype=np.float64)


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"


def interval_text(accuracy: float, images: int) -> str:
    """`75.0 % (72.2 to 77.6 %)`."""
    low, high = accuracy_interval(accuracy, images)
    return f"{percent(accuracy)} ({100 * low:.1f} to {100 * high:.1f} %)"
