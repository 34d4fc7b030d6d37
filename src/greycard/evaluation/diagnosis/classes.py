"""Classes that a run did not learn."""

from __future__ import annotations

from collections.abc import Sequence

from greycard.audit.limits import UNEQUAL
from greycard.evaluation.diagnosis.advice import against_imbalance
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict

_ALMOST_NEVER = 0.1
"""With at most this recall, a class is almost never predicted correctly."""

_BY_CHANCE = 0.1
"""The largest allowed probability that an average class has such a low recall by chance, because it has few images."""

_NAMED = 3
"""The maximum number of classes that a sentence names."""


def not_learned(evidence: Evidence) -> Verdict | None:
    """Classes whose images are almost never predicted correctly, even if they have few images."""
    lost = lost_classes(evidence)
    if not lost:
        return None
    return Verdict(
        "class not learned",
        f"almost never predicted correctly: {counts_text(evidence, lost)}; the total accuracy hides this",
        _next_step(evidence, lost),
    )


def lost_classes(evidence: Evidence) -> list[int]:
    """Their numbers, those with the most validation images first; empty if the whole run learned nothing."""
    if not evidence.right_counts or evidence.interval[0] <= evidence.majority:
        return []
    pairs = enumerate(zip(evidence.right_counts, evidence.val_counts, strict=True))
    found = [label for label, (right, images) in pairs if _is_lost(right, images, evidence.validation)]
    return sorted(found, key=lambda label: -evidence.val_counts[label])


def _is_lost(right: int, images: int, accuracy: float) -> bool:
    """True for a class with a very low recall that is not by chance: an average class would hardly get it."""
    if not images or right > _ALMOST_NEVER * images:
        return False
    from scipy.stats import binom  # slow to import: only if it is needed

    return bool(binom.cdf(right, images, accuracy) <= _BY_CHANCE)


def counts_text(evidence: Evidence, labels: Sequence[int]) -> str:
    """`rabbit (0 of 40 validation images right)`, and the number of further classes."""
    named = [
        f"{_name(evidence, label)} ({evidence.right_counts[label]:,} of {evidence.val_counts[label]:,} validation"
        f" images right)"
        for label in labels[:_NAMED]
    ]
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(named) + more


def _name(evidence: Evidence, label: int) -> str:
    return evidence.classes[label] if evidence.classes else f"class {label}"


def _next_step(evidence: Evidence, lost: Sequence[int]) -> str:
    counts = evidence.train_counts
    if counts and UNEQUAL * counts[lost[0]] < max(counts):
        name = _name(evidence, lost[0])
        few = f"{name} has {counts[lost[0]]:,} training images, and the largest class {max(counts):,}"
        return f"{few}: {against_imbalance(evidence)}"
    return f"see which class it is confused with (`greycard show {evidence.run}`), and check its labels"
