"""The validation images that compared runs predict differently, with the thumbnails saved in the runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from greycard.reports.columns import percent
from greycard.reports.image_urls import image_url
from greycard.runs.record import RunRecord

_SHOWN = 12


@dataclass(frozen=True)
class Answer:
    """One run's prediction for one image."""

    run: str
    label: str
    probability: str
    right: bool


@dataclass(frozen=True)
class Disagreement:
    """One image that runs predict differently.

    Attributes:
        id: the image's id.
        true: its true class.
        image: a data URL; None if no run saved the image.
        answers: one prediction for each run, in the order of the runs.
    """

    id: str
    true: str
    image: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Disagreements:
    """The images on which runs disagree.

    Attributes:
        count: number of all such images.
        shown: some of them; first those that one run predicts correctly and another wrongly with high probability.
    """

    count: int
    shown: tuple[Disagreement, ...]


def disagreements(runs: Sequence[RunRecord], names: Sequence[str]) -> Disagreements:
    """Find where runs disagree, from their predictions; images come from the saved mistakes.

    Args:
        runs: runs with the same validation images.
        names: display names, one for each run.
    """
    ids, labels, probabilities = _aligned(runs)
    guesses = runs[0].task.decide(probabilities)
    differing = np.flatnonzero((guesses != guesses[0]).any(axis=0))
    images, classes = _kept_images(runs), runs[0].classes

    def rank(row: int) -> tuple[bool, bool, float]:
        wrong = guesses[:, row] != labels[row]
        return ids[row] not in images, bool(wrong.all()), -float((probabilities[:, row].max(axis=1) * wrong).max())

    def shown(row: int) -> Disagreement:
        image = images.get(ids[row])
        answers = tuple(
            Answer(name, classes[guess], percent(float(each[guess]), 1), bool(guess == labels[row]))
            for name, guess, each in zip(names, guesses[:, row], probabilities[:, row], strict=True)
        )
        return Disagreement(ids[row], classes[labels[row]], None if image is None else image_url(image), answers)

    return Disagreements(len(differing), tuple(map(shown, sorted(differing.tolist(), key=rank)[:_SHOWN])))


def _aligned(runs: Sequence[RunRecord]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Ids, labels int (images,) and probabilities (runs, images, classes), sorted by id for every run."""
    orders = [np.argsort(run.predictions["ids"], kind="stable") for run in runs]
    kept = [run.predictions["probabilities"][order] for run, order in zip(runs, orders, strict=True)]
    first = runs[0].predictions
    ids = [str(id) for id in first["ids"][orders[0]]]
    return ids, first["labels"][orders[0]], np.nan_to_num(np.stack(kept))


def _kept_images(runs: Sequence[RunRecord]) -> dict[str, np.ndarray]:
    """Images by id, uint8 (height, width, channels)."""
    kept = [run.mistakes for run in runs if run.mistakes is not None]
    return {str(id): image for each in kept for id, image in zip(each["ids"], each["images"], strict=True)}
