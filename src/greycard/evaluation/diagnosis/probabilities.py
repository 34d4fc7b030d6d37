"""Findings about the probabilities that a run predicts."""

from __future__ import annotations

from greycard.evaluation.diagnosis.evidence import Evidence, Verdict

_MISCALIBRATED = 0.08
"""A smaller calibration error than this is below the noise of 15 bins of a few hundred images."""


def miscalibrated(evidence: Evidence) -> Verdict | None:
    error = evidence.calibration_error
    if error is None or error < _MISCALIBRATED or evidence.val_images < 100:
        return None
    too = "sure" if (evidence.temperature or 1) > 1 else "doubtful"
    if too == "doubtful" and evidence.soft_labels:
        return None
    return Verdict(
        f"too {too}",
        f"its probabilities are off by {100 * error:.0f} points on average (expected calibration error {error:.3f})",
        f"use the probabilities of `greycard predict {evidence.run} IMAGE`, an export or the server: they are"
        f" calibrated if that helps (temperature {evidence.temperature:.2f}); those in predictions.npz are not",
    )
