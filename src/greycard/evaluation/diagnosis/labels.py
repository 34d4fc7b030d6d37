"""The diagnosis where an image can have several labels: which labels are weak, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from greycard.audit.limits import FEW_WITH_LABEL
from greycard.evaluation.diagnosis import data, learning
from greycard.evaluation.diagnosis.advice import against_overfitting, look_at_labels, train_longer
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict, percent
from greycard.evaluation.diagnosis.probabilities import miscalibrated
from greycard.evaluation.label_scores import Figure, LabelScore, LabelScores

_WEAK = 0.5
"""A label with a lower F1 is wrong more often than right."""

_WIDE = 0.1
"""If half the width of a label's interval is larger than this, there are too few validation images with it."""

_NAMED = 5


def diagnose_labels(evidence: Evidence, scores: LabelScores) -> list[Verdict]:
    """The verdicts, the one that is expected to help most first; a single `healthy` if nothing is wrong."""
    if not evidence.history:
        return []
    diverged = learning.not_a_number(evidence)
    if diverged:
        return [diverged]
    found = [
        data.leakage(evidence),
        _not_learned(evidence, scores),
        data.shifted(evidence),
        _rare(evidence, scores),
        _weak(evidence, scores),
        _overfit(evidence),
        _few_images(evidence, scores),
        miscalibrated(evidence),
    ]
    return [verdict for verdict in found if verdict] or [_healthy(evidence, scores)]


def _not_learned(evidence: Evidence, scores: LabelScores) -> Verdict | None:
    """Labels whose average precision is no better than the share of the images that have them."""
    lost = [
        each
        for each in scores.labels
        if each.average_precision and each.average_precision.low <= each.support / scores.images
    ]
    if not lost:
        return None
    chance = [f"{_quoted(each)} {_text(each.average_precision)}" for each in lost[:_NAMED]]
    return Verdict(
        "label not learned",
        f"for {_count(lost)} the model is no better than chance, by average precision: {_joined(chance, len(lost))}",
        f"{look_at_labels(evidence)}, add images with {_these(lost)}, or {train_longer(evidence)}",
    )


def _rare(evidence: Evidence, scores: LabelScores) -> Verdict | None:
    counts = dict(zip(evidence.classes, evidence.train_counts, strict=False))
    rare = [each for each in scores.labels if counts.get(each.name, FEW_WITH_LABEL) < FEW_WITH_LABEL]
    if not rare:
        return None
    named = [f"{_quoted(each)} {counts[each.name]:,}" for each in rare[:_NAMED]]
    return Verdict(
        "rare labels",
        f"{_count(rare)} with fewer than {FEW_WITH_LABEL} training images: {_joined(named, len(rare))}",
        f"add images with {_these(rare)}, or leave {_these(rare)} out",
    )


def _weak(evidence: Evidence, scores: LabelScores) -> Verdict | None:
    weak = [each for each in scores.labels if each.support and (each.f1 is None or each.f1.high < _WEAK)]
    if not weak:
        return None
    named = [f"{_quoted(each)} {_text(each.f1)} ({_why(each)})" for each in weak[:_NAMED]]
    return Verdict(
        "weak labels",
        f"{_count(weak)} with an F1 below {percent(_WEAK)}: {_joined(named, len(weak))}",
        f"look at the mistakes (`greycard report {evidence.run}`), and {look_at_labels(evidence)}",
    )


def _why(each: LabelScore) -> str:
    if not each.predicted:
        return "never predicted"
    missed = (each.recall or 0.0) < (each.precision or 0.0)
    return "often missed" if missed else "often predicted for images without it"


def _overfit(evidence: Evidence) -> Verdict | None:
    """The loss on validation was at least a quarter lower in an earlier epoch than at the end."""
    losses = [epoch.val_loss for epoch in evidence.history if epoch.val_loss is not None]
    if evidence.kept_epoch is not None or len(losses) < 2 or losses[-1] < 1.25 * min(losses):
        return None
    return Verdict(
        "overfit",
        f"validation loss is lowest in epoch {losses.index(min(losses)) + 1} ({min(losses):.3f}) and ends at"
        f" {losses[-1]:.3f}",
        against_overfitting(evidence),
    )


def _few_images(evidence: Evidence, scores: LabelScores) -> Verdict | None:
    wide = [each for each in scores.labels if each.f1 and (each.f1.high - each.f1.low) / 2 > _WIDE]
    if not wide:
        return None
    named = [f"{_quoted(each)} {each.f1.low:.0%} to {each.f1.high:.0%}" for each in wide[:_NAMED] if each.f1]
    return Verdict(
        "few validation images",
        f"{scores.images:,} validation images leave the F1 of {_count(wide)} uncertain: {_joined(named, len(wide))}",
        f"measure on more images with {_these(wide)}; four times as many halve the interval",
    )


def _healthy(evidence: Evidence, scores: LabelScores) -> Verdict:
    return Verdict(
        "healthy",
        f"mean average precision {_text(scores.mean_average_precision)}, F1 {_text(scores.f1_micro)} on"
        f" {scores.images:,} validation images: nothing looks wrong",
        f"put it to use: `greycard predict {evidence.run} IMAGE`",
    )


def _text(figure: Figure | None) -> str:
    return "–" if figure is None else f"{percent(figure.value)} ({100 * figure.low:.1f} to {100 * figure.high:.1f} %)"


def _quoted(each: LabelScore) -> str:
    return repr(each.name)


def _count(labels: Sequence[LabelScore]) -> str:
    return "1 label" if len(labels) == 1 else f"{len(labels)} labels"


def _these(labels: Sequence[LabelScore]) -> str:
    return "it" if len(labels) == 1 else "them"


def _joined(named: Sequence[str], count: int) -> str:
    return ", ".join(named) + (f" and {count - len(named)} more" if count > len(named) else "")
