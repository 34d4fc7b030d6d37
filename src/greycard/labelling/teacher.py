"""What is known after each label: proposals, what to label next, likely label errors, and the accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from greycard.audit.label_errors import confident_label_errors
from greycard.labelling.choice import next_images
from greycard.labelling.estimate import Estimate, estimate
from greycard.labelling.groups import groups_of
from greycard.labelling.probe import Probe
from greycard.labelling.sample import random_order, sample_of
from greycard.tasks.single_label import likeliest
from greycard.training.logistic import Standard

_LEAST_OF_CLASS = 2
"""With fewer labelled images in a class, the probe knows nothing of it, and images are chosen at random."""

_SURE = 0.9
"""A label is suspected if another class has this probability, even if it is less than that class's images have on
average. The user looks at each, so some more are no harm."""


@dataclass(frozen=True)
class Images:
    """The state of the labels.

    Attributes:
        keys: a key for each image that does not change when it is labelled.
        features: float32 (n, features).
        labels: int (n,), -1 for images without a label.
        accepted: bool (n,), labels that were proposed and that nobody has looked at one by one. They say what the
            probe said, so nothing is learned from them, and no accuracy is measured on them.
        classes: number of classes.
    """

    keys: Sequence[str]
    features: np.ndarray
    labels: np.ndarray
    accepted: np.ndarray
    classes: int

    @cached_property
    def order(self) -> np.ndarray:
        """The rows in the random order of the sample, int (n,)."""
        return random_order(self.keys)

    @property
    def labelled(self) -> np.ndarray:
        """bool (n,), the images that a person has labelled."""
        return (self.labels >= 0) & ~self.accepted

    @property
    def done(self) -> np.ndarray:
        """bool (n,), the images that have a label of either kind."""
        return self.labels >= 0

    @property
    def can_fit(self) -> bool:
        """True if every class has a few labelled images, and there are two classes."""
        counts = np.bincount(self.labels[self.labelled], minlength=self.classes)
        return self.classes > 1 and int(counts.min()) >= _LEAST_OF_CLASS


@dataclass(frozen=True)
class Suspect:
    """A likely label error.

    Attributes:
        row: the image's.
        instead: the class that is likelier.
        probability: of that class, by a probe that did not learn from the image.
    """

    row: int
    instead: int
    probability: float


@dataclass(frozen=True)
class Advice:
    """What is known of the images now.

    Attributes:
        probabilities: float (n, classes), of the images without a label; other rows are NaN. None before the first fit.
        next: the rows of the images to label next, int.
        suspects: likely label errors, the most certain first.
        estimate: the accuracy; None with too few images in the random sample.
        sample: number of images in the random sample.
        needed: about how many more labels the estimate's target needs; None without one.
        alike: the classes whose labelled images are all nearly the same, so that no accuracy can be measured, int.
    """

    probabilities: np.ndarray | None
    next: np.ndarray
    suspects: Sequence[Suspect]
    estimate: Estimate | None
    sample: int
    needed: int | None = None
    alike: Sequence[int] = ()


class Teacher:
    """Gives advice again and again while images are labelled; it keeps the last fits as a start for the next."""

    def __init__(self) -> None:
        self._probe: Probe | None = None

    def advise(self, images: Images, count: int) -> Advice:
        """The advice for these labels.

        Args:
            images: all images.
            count: number of images to label next.
        """
        order, sample = images.order, sample_of(images.order, images.labelled)
        if not images.can_fit:
            return Advice(None, next_images(order, images.done, count, None, images.features), (), None, len(sample))
        probe = self._probe_for(images)
        probabilities, held_out = _proposals(probe, images), _HeldOut.of(probe, images)
        told = None if len(held_out.alike) else held_out.estimate(sample, len(images.keys))
        return Advice(
            probabilities,
            next_images(order, images.done, count, probabilities, images.features),
            held_out.suspects(),
            told,
            len(sample),
            None if told is None or told.target is None else _needed(images, told.target.sample),
            held_out.alike,
        )

    def _probe_for(self, images: Images) -> Probe:
        standard = Standard.of([images.features])
        if self._probe is None or self._probe.classes != images.classes:
            self._probe = Probe(images.classes, standard)
        self._probe.standard = standard
        return self._probe


def _proposals(probe: Probe, images: Images) -> np.ndarray:
    known, open_ = images.labelled, ~images.done
    found = np.full((len(known), images.classes), np.nan)
    if open_.any():
        found[open_] = probe.probabilities(images.features[known], images.labels[known], images.features[open_])
    return found


def _needed(images: Images, sample: int) -> int:
    """Labels until the sample has so many images: every second image to label is the next random one."""
    missing = int((~images.labelled[images.order[:sample]]).sum())
    return min(2 * missing, int((~images.done).sum()))


@dataclass(frozen=True)
class _HeldOut:
    """The labelled images, each predicted by probes that did not learn from it.

    Attributes:
        rows: of the images, int (n,).
        labels: int (n,).
        found: the probabilities with all other labels, float (n, classes); NaN for a class with one group.
        by_half: the same with half of them.
    """

    rows: np.ndarray
    labels: np.ndarray
    found: np.ndarray
    by_half: np.ndarray

    @classmethod
    def of(cls, probe: Probe, images: Images) -> _HeldOut:
        rows = np.flatnonzero(images.labelled)
        features, labels = images.features[rows], images.labels[rows]
        groups = groups_of(features)
        found = probe.out_of_fold(features, labels, groups)
        return cls(rows, labels, found, probe.out_of_fold(features, labels, groups, half=True))

    @property
    def alike(self) -> list[int]:
        """The classes that have only one group."""
        return np.unique(self.labels[np.isnan(self.found).any(axis=1)]).tolist()

    def estimate(self, sample: np.ndarray, most: int) -> Estimate | None:
        """The accuracy on the rows of the sample, of at most so many images."""
        tested = np.isin(self.rows, sample)
        right, by_half = (_right(each, self.labels)[tested] for each in (self.found, self.by_half))
        return estimate(right, by_half, most)

    def suspects(self) -> list[Suspect]:
        """Likely label errors, the most certain first."""
        measured = np.flatnonzero(np.isfinite(self.found).all(axis=1))
        if not len(measured):
            return []
        errors = confident_label_errors(self.found[measured], self.labels[measured], _SURE)
        places = zip(measured[errors.rows], errors.instead, strict=True)
        return [Suspect(int(self.rows[at]), int(new), float(self.found[at, new])) for at, new in places]


def _right(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """bool (n,); an image that no fit could predict, as with half of the labels of a rare class, is wrong."""
    return np.isfinite(probabilities).all(axis=1) & (likeliest(probabilities) == labels)
