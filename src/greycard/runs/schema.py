"""What `summary.json` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from greycard.audit.preflight import Preflight
from greycard.core.published import Published
from greycard.core.records import Count, Fraction, Number, Seconds, from_json, to_json
from greycard.datasets.dataset import LeftOut
from greycard.evaluation.calibration import Calibration
from greycard.evaluation.diagnosis.evidence import Verdict
from greycard.evaluation.label_scores import LabelScores
from greycard.evaluation.rejection.record import Rejection
from greycard.evaluation.timing import TimeSpent
from greycard.runs.numbers import NumberFigures


@dataclass(frozen=True)
class WeightsFile:
    """The file that a pretrained network's weights came from: its name, and the SHA-256 of its content."""

    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A finished run in figures. Accuracies are fractions; a loss is None if it was NaN or infinite.

    Attributes:
        name: of the recipe.
        dataset: its name.
        architecture: the model in a few words.
        train_images: number of training images.
        val_images: number of validation images.
        test_images: number of test images; None if the data has no test split.
        epochs: trained.
        epochs_planned: the most that the recipe allows.
        train_accuracy: of the kept epoch, while the weights changed; None for a task without one class per image.
        val_accuracy: of the saved model.
        test_accuracy: of the saved model; None if the data has no test split.
        best_val_accuracy: the highest of any epoch.
        best_epoch: the epoch of it, counted from 1.
        kept_epoch: the epoch whose weights were kept as the best; None if the last epoch's were kept.
        train_accuracy_after: of the saved model on the training images without augmentation.
        train_loss_after: of the saved model on the training images without augmentation.
        train_loss: of the kept epoch, while the weights changed.
        val_loss: of the saved model.
        test_loss: of the saved model; None if the data has no test split.
        seconds_per_epoch: the mean without the first epoch, which also compiles.
        first_epoch_seconds: of the first epoch.
        time: seconds by part of the run.
        stopped: why training stopped early, or which target it missed.
        resumed: number of times the run was resumed.
        parameters: of the model.
        seed: of the recipe.
        precision: of the training steps, `float32` or `bfloat16`.
        machine: processor and cores.
        peak_memory_mb: the most memory that the process held, in MB; None if the system does not say.
        expected_memory_mb: what was expected before training, in MB.
        left_out: files that could not be read.
        weights: of the pretrained networks.
        answer: the learned line in a sentence, for a model of one neuron.
        reason: why Greycard chose this recipe; None if the user did.
        published: figures of the project's author.
        data: what preflight found in the images; None for data without images.
        numbers: errors and prediction intervals of a regression on images; None for classes, and with NaN among them.
        calibration: of the validation probabilities; None without classes or with NaN among them.
        labels: figures on the validation images if an image can have several labels, else None. Each image is decided
            by thresholds that were chosen on the other half of them; the thresholds in it are chosen on all.
        test_labels: the same on the test images, decided by the thresholds of `labels`.
        rejection: the promise about images that belong to no class; None if there are too few images for one.
        diagnosis: what is wrong with the run, the most important first.
    """

    name: str
    dataset: str
    architecture: str
    train_images: Number
    val_images: Number
    test_images: Count | None = None
    epochs: Number
    epochs_planned: Number
    train_accuracy: Fraction | None = None
    val_accuracy: Fraction | None = None
    test_accuracy: Fraction | None = None
    best_val_accuracy: Fraction | None = None
    best_epoch: Number
    kept_epoch: Number | None = None
    train_accuracy_after: Fraction | None = None
    train_loss_after: float | None
    train_loss: float | None
    val_loss: float | None
    test_loss: float | None = None
    seconds_per_epoch: Seconds
    first_epoch_seconds: Seconds
    time: TimeSpent
    stopped: str | None = None
    resumed: Count = 0
    parameters: Count
    seed: Count
    precision: str
    machine: str
    peak_memory_mb: float | None = None
    expected_memory_mb: float
    left_out: tuple[LeftOut, ...] = ()
    weights: tuple[WeightsFile, ...] = ()
    answer: str | None = None
    reason: str | None = None
    published: Published | None = None
    data: Preflight | None = None
    numbers: NumberFigures | None = None
    calibration: Calibration | None = None
    labels: LabelScores | None = None
    test_labels: LabelScores | None = None
    rejection: Rejection | None = None
    diagnosis: tuple[Verdict, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The content of `summary.json` without the schema number."""
        return to_json(self)

    @classmethod
    def from_json(cls, content: Any) -> Summary:
        """Read the output of `to_json`; GreycardError for a missing, unknown or damaged field."""
        return from_json(cls, content)

    @property
    def kept(self) -> str | None:
        """How the weights of a run with `keep=best` were chosen; None for a run that kept the last epoch's weights."""
        if self.kept_epoch is None:
            return None
        of = f"the best of {self.epochs} epochs" if self.epochs > 1 else "the only epoch"
        return f"epoch {self.kept_epoch}, {of}, chosen on validation"
