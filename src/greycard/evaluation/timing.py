"""The time that each part of a run takes, and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from greycard.core.epoch import Epoch
from greycard.core.records import Seconds

PARTS = {
    "decode": "reading and decoding images",
    "check": "checking for leakage and shift",
    "features": "computing the frozen backbone's features",
    "compute": "training steps",
    "validation": "validation",
    "waiting": "waiting for augmented images",
    "rejection": "learning what to refuse",
    "checkpoint": "checkpoints",
    "saving": "saving",
    "other": "starting and compiling",
}
"""The parts of a run's time in display order, with their names for people."""

_ADVICE = {
    "decode": (0.4, "the next run on these images uses the cache (`greycard cache`)"),
    "check": (0.4, "with more epochs its share is smaller"),
    "features": (0.5, "the next run with this backbone and seed uses the cache; fewer augmented_copies are faster"),
    "compute": (0.6, "smaller images (--set image_size=…) or a GPU make the steps faster"),
    "validation": (0.4, "--set val_limit=… uses fewer validation images, with wider intervals"),
    "waiting": (0.2, "augmentation is slower than the device: use smaller images or more CPU cores"),
    "rejection": (0.4, "with more epochs its share is smaller"),
    "checkpoint": (0.05, "the folder of runs is slow: choose another one with --out"),
    "saving": (0.2, "the folder of runs is slow: choose another one with --out"),
    "other": (0.6, "the run is short: more epochs take little more time"),
}
_WORTH_ADVICE = 20.0
"""Runs shorter than this many seconds get no advice."""


@dataclass(frozen=True)
class TimeSpent:
    """The time of a run, by part.

    Attributes:
        seconds_by_part: seconds by the names of `PARTS`.
        augment_seconds: spent on augmentation and gathering in separate threads, in parallel with training steps.
        images_per_second: of the training steps after the first epoch; None if they took no time.
        total_seconds: of the whole run.
        advice: how to make it faster; None if no part takes most of the time.
    """

    seconds_by_part: Mapping[str, Seconds]
    augment_seconds: Seconds
    images_per_second: Seconds | None
    total_seconds: Seconds
    advice: str | None


def time_spent(
    seconds: Mapping[str, float], history: Sequence[Epoch], *, images: int, augment: float, total: float
) -> TimeSpent:
    """Summarize the time of a run.

    Args:
        seconds: seconds by part, without overlap.
        history: every epoch.
        images: training images per epoch.
        augment: seconds spent on augmentation and gathering in separate threads, in parallel with training steps.
        total: seconds of the whole run.
    """
    time = {part: seconds.get(part, 0.0) for part in PARTS if part != "other"}
    time["other"] = max(total - sum(time.values()), 0.0)
    settled = history[1:] or history
    trained = sum(epoch.train_seconds for epoch in settled)
    speed = images * len(settled) / trained if trained else None
    return TimeSpent(time, augment, speed, total, _advice(time, total))


def time_line(time: Mapping[str, float]) -> str:
    """The largest parts of a run's time, in percent: `training steps 81 %, validation 12 %`."""
    total = sum(time.values()) or 1.0
    shares = sorted(((seconds / total, PARTS[part]) for part, seconds in time.items()), reverse=True)
    return ", ".join(f"{words} {100 * share:.0f} %" for share, words in shares if share >= 0.01)


def _advice(time: Mapping[str, float], total: float) -> str | None:
    """Advice about the slowest part, if it takes a large share of a long run."""
    part = max(time, key=lambda name: time[name])
    share, sentence = _ADVICE[part]
    if total < _WORTH_ADVICE or time[part] < share * total:
        return None
    return f"{100 * time[part] / total:.0f} % of the time was {PARTS[part]}: {sentence}"
