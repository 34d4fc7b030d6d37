"""The validation images that compared runs answer differently, with the small images that the runs kept of them."""

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
    """What one run says of one image."""

    run: str
    label: str
    probability: str
    right: bool


@dataclass(frozen=True)
class Disagreement:
    """One image that runs answer differently.

    Attributes:
        id: the image's.
        true: its class.
        image: a data URL; None where no run kept the image.
        answers: one a run, in the order of the runs.
    """

    id: str
    true: str
    image: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Disagreements:
    """The images on which runs disagree.

    Attributes:
        count: of all of them.
        shown: some, those first that one run has right and another is surest about and wrong.
    """

    count: int
    shown: tuple[Disagreement, ...]


def disagreements(runs: Sequence[RunRecord], names: Sequence[str]) -> Disagreements:
    """Where runs disagree, from their predictions; images are of the mistakes that they kept.

    Args:
        runs: that were measured on the same images.
        names: to show, one a run.
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
    """Ids, labels int (images,) and probabilities (runs, images, classes), in the order of the ids for every run."""
    orders = [np.argsort(run.predictions["ids"], kind="stable") for run in runs]
    kept = [run.predictions["probabilities"][order] for run, order in zip(runs, orders, strict=True)]
    first = runs[0].predictions
    ids = [str(id) for id in first["ids"][orders[0]]]
    return ids, first["labels"][orders[0]], np.nan_to_num(np.stack(kept))


def _kept_images(runs: Sequence[RunRecord]) -> dict[str, np.ndarray]:
    """By id, uint8 (height, width, channels)."""
    kept = [run.mistakes for run in runs if run.mistakes is not None]
    return {str(id): image for each in kept for id, image in zip(each["ids"], each["images"], strict=True)}
