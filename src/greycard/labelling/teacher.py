"""What is known after each label: proposals, what to label next, likely label errors, and the accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
"""A label is suspected if another class has this probability. The user looks at each, so some more are no harm."""


@dataclass(frozen=True)
class Images:
    """The state of the labels.

    Attributes:
        keys: a key for each image that does not change when it is labelled.
        features: float32 (n, features).
        labels: int (n,), -1 for images without a label.
        classes: number of classes.
    """

    keys: Sequence[str]
    features: np.ndarray
    labels: np.ndarray
    classes: int

    @property
    def labelled(self) -> np.ndarray:
        """bool (n,)."""
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
    """

    probabilities: np.ndarray | None
    next: np.ndarray
    suspects: Sequence[Suspect]
    estimate: Estimate | None
    sample: int


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
        order, labelled = random_order(images.keys), images.labelled
        sample = sample_of(order, labelled)
        if not images.can_fit:
            return Advice(None, next_images(order, labelled, count, None, images.features), (), None, len(sample))
        probe = self._probe_for(images)
        probabilities = _proposals(probe, images)
        rows = np.flatnonzero(labelled)
        features, labels = images.features[rows], images.labels[rows]
        groups = groups_of(features)
        found = probe.out_of_fold(features, labels, groups)
        by_half = probe.out_of_fold(features, labels, groups, half=True)
        tested = np.isin(rows, sample)
        return Advice(
            probabilities,
            next_images(order, labelled, count, probabilities, images.features),
            _suspects(found, labels, rows),
            estimate(_right(found, labels)[tested], _right(by_half, labels)[tested], len(images.keys)),
            len(sample),
        )

    def _probe_for(self, images: Images) -> Probe:
        standard = Standard.of([images.features])
        if self._probe is None or self._probe.classes != images.classes:
            self._probe = Probe(images.classes, standard)
        self._probe.standard = standard
        return self._probe


def _proposals(probe: Probe, images: Images) -> np.ndarray:
    labelled = images.labelled
    found = np.full((len(labelled), images.classes), np.nan)
    if not labelled.all():
        known, labels = images.features[labelled], images.labels[labelled]
        found[~labelled] = probe.probabilities(known, labels, images.features[~labelled])
    return found


def _suspects(found: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> list[Suspect]:
    measured = np.flatnonzero(np.isfinite(found).all(axis=1))
    if not len(measured):
        return []
    errors = confident_label_errors(found[measured], labels[measured], _SURE)
    places = zip(measured[errors.rows], errors.instead, strict=True)
    return [Suspect(int(rows[place]), int(instead), float(found[place, instead])) for place, instead in places]


def _right(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """bool (n,); a class of which the fit had no image is wrong."""
    return np.isfinite(probabilities).all(axis=1) & (likeliest(probabilities) == labels)
