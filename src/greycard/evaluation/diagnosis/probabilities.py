"""What is wrong with the probabilities a run answers."""

from __future__ import annotations

from greycard.evaluation.diagnosis.evidence import Evidence, Verdict

_MISCALIBRATED = 0.08
"""Below this, 15 bins of a few hundred images are noisier than what they measure."""


def miscalibrated(evidence: Evidence) -> Verdict | None:
    error = evidence.calibration_error
    if error is None or error < _MISCALIBRATED or evidence.val_images < 100:
        return None
    too = "sure" if (evidence.temperature or 1) > 1 else "doubtful"
    return Verdict(
        f"too {too}",
        f"its probabilities are off by {100 * error:.0f} points on average (expected calibration error {error:.3f})",
        f"use the answers of `greycard predict {evidence.run} IMAGE`, an export or the server, which scale them where"
        f" it helps (temperature {evidence.temperature:.2f}); predictions.npz has them as the network answers",
    )
