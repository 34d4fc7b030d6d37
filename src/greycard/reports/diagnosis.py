"""A diagnosis as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from greycard.evaluation.diagnosis.evidence import Verdict


def diagnosis_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """Two lines for each verdict: the finding and the next step."""
    return [
        line for verdict in verdicts for line in (f"  {verdict.name}: {verdict.sentence}", f"    → {verdict.next_step}")
    ]
