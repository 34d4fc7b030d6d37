"""Where a run's time went, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from greycard.core.epoch import Epoch
from greycard.core.records import Seconds

PARTS = {
    "decode": "reading and decoding images",
    "check": "looking for leaks and shift",
    "features": "the frozen backbone's features",
    "compute": "training steps",
    "validation": "validation",
    "waiting": "waiting for augmented images",
    "checkpoint": "checkpoints",
    "saving": "saving",
    "other": "starting and compiling",
}
"""The parts of a run's time, in the order they are shown, and what they are in words."""

_ADVICE = {
    "decode": (0.4, "the next run on these images finds them decoded (`greycard cache`)"),
    "check": (0.4, "with more epochs it is a smaller share"),
    "features": (0.5, "the next run with this backbone and seed finds them computed; fewer augmented_copies take less"),
    "compute": (0.6, "smaller images (--set image_size=…) are the quickest way to shorter steps, a GPU the next"),
    "validation": (0.4, "--set val_limit=… measures on fewer images, with wider intervals"),
    "waiting": (0.2, "augmentation is slower than the device: smaller images or more processor cores"),
    "checkpoint": (0.05, "the folder of runs is slow: --out names another"),
    "saving": (0.2, "the folder of runs is slow: --out names another"),
    "other": (0.6, "the run is short: more epochs take little longer"),
}
_WORTH_ADVICE = 20.0
"""Seconds of a run below which nobody needs advice."""


@dataclass(frozen=True)
class TimeSpent:
    """Where a run's time went.

    Attributes:
        seconds_by_part: by the names of `PARTS`.
        augment_seconds: spent augmenting and gathering in threads of their own, while steps were computed.
        images_per_second: of the training steps after the first epoch; None if they took no time.
        total_seconds: of the whole run.
        advice: what would make it faster; None if no part takes most of the time.
    """

    seconds_by_part: Mapping[str, Seconds]
    augment_seconds: Seconds
    images_per_second: Seconds | None
    total_seconds: Seconds
    advice: str | None


def time_spent(
    seconds: Mapping[str, float], history: Sequence[Epoch], *, images: int, augment: float, total: float
) -> TimeSpent:
    """What the summary keeps of the time.

    Args:
        seconds: by part, without overlap.
        history: every epoch.
        images: trained on in an epoch.
        augment: seconds spent augmenting and gathering in threads of their own, while steps were computed.
        total: seconds of the whole run.
    """
    time = {part: seconds.get(part, 0.0) for part in PARTS if part != "other"}
    time["other"] = max(total - sum(time.values()), 0.0)
    settled = history[1:] or history
    trained = sum(epoch.train_seconds for epoch in settled)
    speed = images * len(settled) / trained if trained else None
    return TimeSpent(time, augment, speed, total, _advice(time, total))


def time_line(time: Mapping[str, float]) -> str:
    """The shares of a run's time that matter, the largest first: `training steps 81 %, validation 12 %`."""
    total = sum(time.values()) or 1.0
    shares = sorted(((seconds / total, PARTS[part]) for part, seconds in time.items()), reverse=True)
    return ", ".join(f"{words} {100 * share:.0f} %" for share, words in shares if share >= 0.01)


def _advice(time: Mapping[str, float], total: float) -> str | None:
    """One sentence about the part that takes most, where it takes much and the run took long."""
    part = max(time, key=lambda name: time[name])
    share, sentence = _ADVICE[part]
    if total < _WORTH_ADVICE or time[part] < share * total:
        return None
    return f"{100 * time[part] / total:.0f} % of the time went into {PARTS[part]}: {sentence}"
