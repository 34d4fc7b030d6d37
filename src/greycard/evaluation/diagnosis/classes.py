"""Classes that a run did not learn."""

from __future__ import annotations

from collections.abc import Sequence

from greycard.audit.limits import UNEQUAL
from greycard.evaluation.diagnosis.evidence import Evidence, Verdict

_ALMOST_NEVER = 0.1
"""Up to this recall a class is almost never right."""

_BY_CHANCE = 0.1
"""So rarely a class that is as easy as the others may come out as low, because it has few images."""

_NAMED = 3
"""Classes named in a sentence."""


def not_learned(evidence: Evidence) -> Verdict | None:
    """Classes that are almost never right, however few images they have."""
    lost = lost_classes(evidence)
    if not lost:
        return None
    return Verdict(
        "class not learned",
        f"almost never right: {counts_text(evidence, lost)}; accuracy over all images hides it",
        _next_step(evidence, lost),
    )


def lost_classes(evidence: Evidence) -> list[int]:
    """Their positions, those with the most validation images first; none where the whole run learned nothing."""
    if not evidence.right_counts or evidence.interval[0] <= evidence.majority:
        return []
    pairs = enumerate(zip(evidence.right_counts, evidence.val_counts, strict=True))
    found = [label for label, (right, images) in pairs if _is_lost(right, images, evidence.validation)]
    return sorted(found, key=lambda label: -evidence.val_counts[label])


def _is_lost(right: int, images: int, accuracy: float) -> bool:
    """Almost never right, and not by chance: a class as easy as the average one would hardly come out so."""
    if not images or right > _ALMOST_NEVER * images:
        return False
    from scipy.stats import binom  # most of a second to import: only where there is something to test

    return bool(binom.cdf(right, images, accuracy) <= _BY_CHANCE)


def counts_text(evidence: Evidence, labels: Sequence[int]) -> str:
    """`rabbit (0 of 40 validation images right)`, and how many more there are."""
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
        return f"add training images of {name}: it has {counts[lost[0]]:,}, the largest class {max(counts):,}"
    return f"see what it is taken for (`greycard show {evidence.run}`), and look whether its labels are right"
