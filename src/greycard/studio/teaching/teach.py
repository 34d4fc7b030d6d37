"""Teach by correcting: the advice of a probe on the images' features, after each change of a label."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np

from greycard.labelling.estimate import Estimate
from greycard.labelling.teacher import Advice, Images, Suspect, Teacher
from greycard.studio.images.folder import ImageFolder, label_of
from greycard.studio.images.identity import identity
from greycard.studio.teaching.confirmed import Confirmed
from greycard.studio.teaching.features import Features
from greycard.tasks.single_label import likeliest

NEXT = 24
"""Images to label next that one answer has."""


@dataclass(frozen=True)
class Proposal:
    """What the probe says of an image.

    Attributes:
        id: the image's.
        label: the likeliest class; None before the first fit.
        confidence: its probability, a fraction.
    """

    id: str
    label: str | None
    confidence: float


@dataclass(frozen=True)
class Answer:
    """The state of teaching.

    Attributes:
        state: `none`, `running` while features are computed, `ready` or `failed`.
        error: what went wrong.
        network: the pretrained network's name, once it is known.
        images: number of images.
        known: number of them that have features.
        unreadable: number of them that cannot be read.
        labelled: number of readable images with a label.
        sample: number of images in the random sample.
        estimate: the accuracy; None with too few images in the sample.
        pays: False if more labels will hardly make it more accurate.
        next: the images to label next.
        suspects: labelled images with likely label errors.
        seconds: the time of the fits.
    """

    state: str
    error: str | None = None
    network: str | None = None
    images: int = 0
    known: int = 0
    unreadable: int = 0
    labelled: int = 0
    sample: int = 0
    estimate: Estimate | None = None
    pays: bool = True
    next: Sequence[Proposal] = ()
    suspects: Sequence[Proposal] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class _Listed:
    """The readable images with features: their ids, and what the teacher needs."""

    ids: Sequence[str]
    classes: Sequence[str]
    images: Images
    all: int
    known: int


class Teach:
    """Gives an answer for the folder as it is now. Its methods may be called from several threads.

    Args:
        folder: the user's images.
        features: of these images.
        confirmed: the labels that are not suspected again.
    """

    def __init__(self, folder: ImageFolder, features: Features, confirmed: Confirmed) -> None:
        self._folder, self._features, self._confirmed = folder, features, confirmed
        self._teacher, self._lock = Teacher(), Lock()

    def start(self) -> None:
        """Begin to compute features."""
        self._features.start()

    def answer(self) -> Answer:
        status = self._features.status()
        if status.state != "ready":
            return Answer(status.state, status.error)
        with self._lock:
            listed = self._listed()
            if listed.known < listed.all:
                self._features.look_again()
            begun = perf_counter()
            advice = self._teacher.advise(listed.images, NEXT)
            seconds = perf_counter() - begun
            return self._answer(listed, advice, status.network, seconds)

    def proposals(self) -> list[Proposal]:
        """All images without a label with their proposals, the most certain first; empty before the first fit."""
        if self._features.status().state != "ready":
            return []
        with self._lock:
            listed = self._listed()
            advice = self._teacher.advise(listed.images, NEXT)
            if advice.probabilities is None:
                return []
            found = _proposals(listed, advice, np.flatnonzero(~listed.images.labelled))
            return sorted(found, key=lambda each: -each.confidence)

    def confirm(self, ids: Sequence[str]) -> None:
        """Remember that the labels of images are right, so that they are no longer suspected.

        Raises:
            RefusedError: there is no such image.
        """
        self._confirmed.add([_with_label(identity(self._folder.path(id)), id) for id in ids])

    def _listed(self) -> _Listed:
        self._features.update()
        by_class = self._folder.images()
        classes = [name for name in by_class if name]
        number = {name: place for place, name in enumerate(["", *classes], start=-1)}
        found = [(id, key, number[name]) for name, ids in by_class.items() for id, key in _keys(self._folder.root, ids)]
        known = [each for each in found if each[1] in self._features]
        features = self._features.of([key for _, key, _ in known])
        readable = np.isfinite(features[:, 0])
        rows = [known[row] for row in np.flatnonzero(readable)]
        labels = np.array([label for _, _, label in rows], dtype=np.int64)
        images = Images([key for _, key, _ in rows], features[readable], labels, len(classes))
        return _Listed([id for id, _, _ in rows], classes, images, len(found), len(known))

    def _answer(self, listed: _Listed, advice: Advice, network: str | None, seconds: float) -> Answer:
        return Answer(
            "ready" if listed.known == listed.all else "running",
            network=network,
            images=listed.all,
            known=listed.known,
            unreadable=listed.known - len(listed.ids),
            labelled=int(listed.images.labelled.sum()),
            sample=advice.sample,
            estimate=advice.estimate,
            pays=advice.estimate is None or advice.estimate.pays,
            next=_proposals(listed, advice, advice.next),
            suspects=self._suspects(listed, advice.suspects),
            seconds=seconds,
        )

    def _suspects(self, listed: _Listed, found: Sequence[Suspect]) -> list[Proposal]:
        """Those that the user has not confirmed."""
        return [
            Proposal(listed.ids[each.row], listed.classes[each.instead], round(each.probability, 3))
            for each in found
            if _with_label(listed.images.keys[each.row], listed.ids[each.row]) not in self._confirmed
        ]


def _with_label(key: str, id: str) -> str:
    """An image and its label: a confirmed label counts no longer when it is changed."""
    return f"{key} {label_of(id)}"


def _proposals(listed: _Listed, advice: Advice, rows: np.ndarray) -> list[Proposal]:
    if advice.probabilities is None:
        return [Proposal(listed.ids[row], None, 0.0) for row in rows]
    chosen = advice.probabilities[rows]
    best = likeliest(chosen)
    return [
        Proposal(listed.ids[row], listed.classes[label], round(float(each[label]), 3))
        for row, label, each in zip(rows, best, chosen, strict=True)
    ]


def _keys(root: Path, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each id with its file's identity; without those that are moved at this moment."""
    found = []
    for id in ids:
        try:
            found.append((id, identity(Path(os.path.join(root, id)))))
        except OSError:
            continue
    return found
