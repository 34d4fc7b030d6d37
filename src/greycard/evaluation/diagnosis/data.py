"""Findings about the images that a run was trained and evaluated on."""

from __future__ import annotations

from greycard.audit.limits import SHIFTED, UNEQUAL
from greycard.evaluation.diagnosis.advice import against_imbalance
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, interval_text, percent

_WIDE = 0.035
"""If half the width of the accuracy's interval is larger than this, there are too few validation images."""


def leakage(evidence: Evidence) -> Verdict | None:
    if not evidence.leaks:
        return None
    share = percent(evidence.leaks / evidence.val_images)
    pair = " is also ".join(evidence.leak_example) if evidence.leak_example else ""
    return Verdict(
        "leakage",
        f"{evidence.leaks:,} of {evidence.val_images:,} validation images ({share}) also in training"
        f"{f', such as {pair}' if pair else ''}: the accuracy on them shows memorization",
        f"split again with equal images on the same side: `greycard split {evidence.folder}`",
    )


def validation_augmented(evidence: Evidence) -> Verdict | None:
    if not evidence.validation_augmented:
        return None
    return Verdict(
        "validation augmented",
        f"the {percent(evidence.validation)} were measured on augmented validation images, which are harder than the"
        f" images in use: the figure says nothing about augmentation in training",
        "measure on unaugmented validation images",
    )


def shifted(evidence: Evidence) -> Verdict | None:
    shift = evidence.shift
    if not shift or shift.low <= SHIFTED:
        return None
    telling = " and ".join(shift.features[:2])
    return Verdict(
        "shifted",
        f"training and validation images come from different distributions: a classifier tells them apart with an AUC"
        f" of {shift.auc:.2f} ({shift.low:.2f} to {shift.high:.2f}), mostly by {telling}",
        f"mix both parts and split again: `greycard split {evidence.folder}`; or add training images like those of"
        " validation",
    )


def imbalanced(evidence: Evidence) -> Verdict | None:
    counts = evidence.train_counts
    if len(counts) < 2 or max(counts) <= UNEQUAL * min(counts):
        return None
    return Verdict(
        "imbalanced",
        f"the largest class has {max(counts):,} training images and the smallest {min(counts):,}; always"
        f" predicting the largest would be {percent(evidence.majority)} right in validation",
        f"{against_imbalance(evidence)}; judge by each class's recall: `greycard show {evidence.run}`",
    )


def few_images(evidence: Evidence) -> Verdict | None:
    low, high = evidence.interval
    if (high - low) / 2 < _WIDE:
        return None
    return Verdict(
        "few validation images",
        f"{evidence.val_images:,} validation images leave the accuracy at"
        f" {interval_text(evidence.validation, evidence.val_images)}: differences of a few points mean nothing",
        "measure on more images; four times as many halve the interval",
    )
