"""Teach by correcting: the advice of a probe on the images' features, after each change of a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from greycard.labelling.estimate import LEAST, Estimate
from greycard.labelling.teacher import Advice, Teacher
from greycard.studio.images.folder import ImageFolder
from greycard.studio.images.identity import identity
from greycard.studio.images.names import label_of
from greycard.studio.teaching.features import Features
from greycard.studio.teaching.listing import Listed, listed
from greycard.studio.teaching.marks import Marks
from greycard.tasks.single_label import likeliest

NEXT = 24
"""Images to label next, or to look at, that one state has."""


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
class TeachState:
    """The state of teaching.

    Attributes:
        state: `none`, `starting`, `running` while features are computed, `ready` or `failed`.
        error: what went wrong.
        images: number of images.
        known: number of them that have features, or cannot be read.
        unreadable: number of them that cannot be read.
        labelled: number of readable images with a label.
        accepted: number of labels that were accepted for several images at once; nothing is learned from them.
        sample: number of images in the random sample.
        missing: number of images that the sample lacks for an estimate.
        estimate: the accuracy; None with too few images in the sample.
        pays: False if more labels will hardly make it more accurate.
        needed: about how many more labels the estimate's target needs.
        alike: the classes whose labelled images are all nearly the same, so that no accuracy can be measured.
        next: the images to label next.
        suspects: labelled images with likely label errors.
        to_confirm: accepted images to look at, the first ones of the random order.
    """

    state: str
    error: str | None = None
    images: int = 0
    known: int = 0
    unreadable: int = 0
    labelled: int = 0
    accepted: int = 0
    sample: int = 0
    missing: int = 0
    estimate: Estimate | None = None
    pays: bool = True
    needed: int | None = None
    alike: Sequence[str] = ()
    next: Sequence[Proposal] = ()
    suspects: Sequence[Proposal] = ()
    to_confirm: Sequence[str] = ()


class Teach:
    """Advice for the folder as it is now. Its methods may be called from several threads.

    Args:
        folder: the user's images.
        features: of these images.
        confirmed: the labels that are not suspected again.
        accepted: the labels that nobody has looked at one by one.
    """

    def __init__(self, folder: ImageFolder, features: Features, confirmed: Marks, accepted: Marks) -> None:
        self._folder, self._features, self._confirmed, self._accepted = folder, features, confirmed, accepted
        self._teacher, self._lock = Teacher(), Lock()

    def start(self) -> None:
        """Begin to compute features."""
        self._features.start()

    def state(self) -> TeachState:
        status = self._features.status()
        if status.state != "ready":
            return TeachState(status.state, status.error)
        with self._lock:
            found = listed(self._folder, self._features, self._accepted)
            if found.known < found.all:
                self._features.look_again()
            return self._state(found, self._teacher.advise(found.images, NEXT))

    def proposals(self) -> list[Proposal]:
        """All images without a label with their proposals, the most certain first; empty before the first fit."""
        if self._features.status().state != "ready":
            return []
        with self._lock:
            found = listed(self._folder, self._features, self._accepted)
            advice = self._teacher.advise(found.images, NEXT)
            if advice.probabilities is None:
                return []
            proposals = _proposals(found, advice, np.flatnonzero(~found.images.done))
            return sorted(proposals, key=lambda each: -each.confidence)

    def confirm(self, ids: Sequence[str]) -> None:
        """A person has looked at these images, and their labels are right; raises a RefusedError for no image."""
        looked_at = self._labelled(ids)
        self._confirmed.add(looked_at)
        self._accepted.remove(looked_at)

    def accept(self, ids: Sequence[str]) -> None:
        """These labels were proposed, and accepted for several images at once; raises a RefusedError for no image."""
        self._accepted.add(self._labelled(ids))

    def _labelled(self, ids: Sequence[str]) -> list[tuple[str, str | None]]:
        return [(identity(self._folder.path(id)), label_of(id)) for id in ids]

    def _state(self, found: Listed, advice: Advice) -> TeachState:
        taken = found.images.accepted
        return TeachState(
            "ready" if found.known == found.all else "running",
            images=found.all,
            known=found.known,
            unreadable=found.known - len(found.ids),
            labelled=int(found.images.done.sum()),
            accepted=int(taken.sum()),
            sample=advice.sample,
            missing=max(0, LEAST - advice.sample),
            estimate=advice.estimate,
            pays=advice.estimate is None or advice.estimate.pays,
            needed=advice.needed,
            alike=[found.classes[number] for number in advice.alike],
            next=_proposals(found, advice, advice.next),
            suspects=self._suspects(found, advice),
            to_confirm=[found.ids[row] for row in found.images.order if taken[row]][:NEXT],
        )

    def _suspects(self, found: Listed, advice: Advice) -> list[Proposal]:
        """Those that the user has not confirmed."""
        return [
            Proposal(found.ids[each.row], found.classes[each.instead], round(each.probability, 3))
            for each in advice.suspects
            if not self._confirmed.has(*found.labelled(each.row))
        ]


def _proposals(found: Listed, advice: Advice, rows: np.ndarray) -> list[Proposal]:
    if advice.probabilities is None:
        return [Proposal(found.ids[row], None, 0.0) for row in rows]
    chosen = advice.probabilities[rows]
    return [
        Proposal(found.ids[row], found.classes[label], round(float(each[label]), 3))
        for row, label, each in zip(rows, likeliest(chosen), chosen, strict=True)
    ]
