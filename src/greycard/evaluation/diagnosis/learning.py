"""What is wrong with how a run learned, from its curves."""

from __future__ import annotations

import math

import numpy as np

from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent
from greycard.evaluation.intervals import accuracy_interval

_GAP, _CERTAIN_GAP = 0.04, 0.02
"""Training accuracy this far above validation's, and above the upper end of its interval, is overfitting."""

_LEARNED = 0.9
"""Below this accuracy on its own training images, a network has not learned them."""

_RISING = 0.01
"""A last third of the epochs that is better by this much than the third before is still rising."""

_DROP = 0.03
"""A last epoch this far below the best one, beyond both intervals, has lost what was reached."""

_JUMPS = 2.0
"""Validation accuracy may jump between epochs by so many times what its number of images explains."""

_FEW_PICTURES = 10_000
"""From here on a network learns its own features, as `greycard train` has it, too."""

_THIRD = 3
"""Twice so many epochs are the fewest whose last third can be compared with the one before."""

_TRANSFER = "transfer learning: `greycard train FOLDER --backbone MobileNetV2`, or a project's own -transfer row"


def not_a_number(evidence: Evidence) -> Verdict | None:
    for line in evidence.history:
        if "train_loss" in line and line["train_loss"] is None:
            return Verdict(
                "diverged",
                f"the training loss is no number from epoch {line['epoch']} on: the steps were too long",
                "lower the rate: --set learning_rate=… at a tenth",
            )
    return None


def learned_nothing(evidence: Evidence) -> Verdict | None:
    if not evidence.val_counts or evidence.interval[0] > evidence.majority:
        return None
    accuracy = interval_text(evidence.validation, evidence.val_images)
    return Verdict(
        "learned nothing",
        f"validation accuracy {accuracy} is no better than answering always the largest class"
        f" ({percent(evidence.majority)})",
        "lower the rate (--set learning_rate=… at a tenth) and look whether the labels are right:"
        " `greycard check FOLDER`",
    )


def collapsed(evidence: Evidence) -> Verdict | None:
    """Some class is never answered, though it would be expected ten times or more."""
    pairs = list(zip(evidence.val_counts, evidence.guessed_counts, strict=False))
    missing = [number for number, (true, guessed) in enumerate(pairs) if true >= 10 and not guessed]
    if not missing:
        return None
    return Verdict(
        "class collapse",
        f"{len(missing)} of {len(pairs)} classes are never answered, though"
        f" {sum(pairs[number][0] for number in missing):,} validation images show them",
        "add images of these classes, or lower the rate (--set learning_rate=… at a tenth)",
    )


def overfit(evidence: Evidence) -> Verdict | None:
    gap, certain = evidence.gap
    if gap < _GAP or certain < _CERTAIN_GAP:
        return None
    return Verdict(
        "overfit",
        f"{percent(evidence.train)} right on training images and"
        f" {interval_text(evidence.validation, evidence.val_images)} on validation{_loss_since(evidence)}",
        _against_overfitting(evidence),
    )


def _loss_since(evidence: Evidence) -> str:
    """When validation loss was lowest, where it has risen by a quarter since."""
    losses = evidence.series("val_loss")
    if np.isnan(losses).any():
        return ""
    lowest = int(losses.argmin())
    if losses[-1] < 1.25 * losses[lowest]:
        return ""
    return f"; validation loss is lowest in epoch {lowest + 1} ({losses[lowest]:.2f}) and ends at {losses[-1]:.2f}"


def _against_overfitting(evidence: Evidence) -> str:
    if _would_transfer(evidence):
        return _TRANSFER
    if not evidence.augmented and evidence.train_images < _FEW_PICTURES:
        return "augment the training images, such as --set rotation_range=15 --set zoom_range=0.1"
    return "more training images; without them, fewer epochs or dropout (--set dropout=0.5) keep the best of it"


def _would_transfer(evidence: Evidence) -> bool:
    """Whether pretrained features are likely to help, and were not tried."""
    return not (evidence.pretrained or evidence.tiny) and evidence.train_images < _FEW_PICTURES


def underfit(evidence: Evidence) -> Verdict | None:
    if evidence.train >= _LEARNED or overfit(evidence):
        return None
    rising = _rise(evidence.series("train_accuracy"))
    still = f" and still rising ({percent(rising)} over the last third of the epochs)" if rising >= _RISING else ""
    return Verdict(
        "underfit",
        f"only {percent(evidence.train)} of its own training images are right after {_epochs(evidence)}{still}",
        _against_underfitting(evidence, rising=bool(still)),
    )


def _epochs(evidence: Evidence) -> str:
    count = len(evidence.history)
    return "1 epoch" if count == 1 else f"{count} epochs"


def _against_underfitting(evidence: Evidence, *, rising: bool) -> str:
    if evidence.ended_early:
        return "let it go on: leave out the target accuracy or the patience that ended it, or raise it"
    if rising or len(evidence.history) < 2 * _THIRD:
        return "more epochs (--epochs)"
    if _would_transfer(evidence):
        return _TRANSFER
    weaker = ", or weaker augmentation" if evidence.augmented else ""
    return f"a larger network (--set conv=… or dense=…){weaker}"


def stopped_early(evidence: Evidence) -> Verdict | None:
    """Validation was still getting better when the planned epochs were over, and nothing worse is the matter."""
    if overfit(evidence) or underfit(evidence):
        return None
    rise = _rise(evidence.series("val_accuracy"))
    losses = evidence.series("val_loss")
    falls = not np.isnan(losses).any() and _rise(losses) < 0
    if evidence.ended_early or rise < max(_RISING, _noise(evidence)) or not falls:
        return None
    return Verdict(
        "stopped early",
        f"validation accuracy rose by {percent(rise)} over the last third of the {len(evidence.history)} epochs and"
        f" its loss was still falling",
        f"twice the epochs (--epochs {2 * len(evidence.history)})",
    )


def unstable(evidence: Evidence) -> Verdict | None:
    found = _dropped(evidence) or _jumping(evidence)
    return Verdict("unstable", found, "lower the rate (--set learning_rate=… at a tenth)") if found else None


def _dropped(evidence: Evidence) -> str | None:
    epoch, best = evidence.best
    low = accuracy_interval(best, evidence.val_images)[0]
    if best - evidence.validation < _DROP or low <= evidence.interval[1]:
        return None
    return (
        f"validation accuracy was {percent(best)} in epoch {epoch} and ended at"
        f" {interval_text(evidence.validation, evidence.val_images)}"
    )


def _jumping(evidence: Evidence) -> str | None:
    """How far each epoch of the second half is from the middle of its neighbours, which a steady rise is not.

    All are measured on the same images, so that jumps are mostly the model's.
    """
    accuracies = evidence.series("val_accuracy")
    late = accuracies[len(accuracies) // 2 :]
    if len(late) < 4:
        return None
    jump = float(np.median(np.abs(late[1:-1] - (late[:-2] + late[2:]) / 2)))
    if jump < max(_DROP, _JUMPS * _noise(evidence)):
        return None
    return f"validation accuracy jumps by {percent(jump)} from epoch to epoch in the second half of the training"


def _noise(evidence: Evidence) -> float:
    """The standard error of the validation accuracy."""
    share = evidence.validation
    return math.sqrt(share * (1 - share) / evidence.val_images)


def _rise(values: np.ndarray) -> float:
    """The mean of the last third of the epochs minus the mean of the third before."""
    third = len(values) // 3
    if third < 2:  # too few epochs to tell
        return 0.0
    return float(values[-third:].mean() - values[-2 * third : -third].mean())
