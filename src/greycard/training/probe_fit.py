"""Fit the head of a probe: one logistic regression per backbone, or one ridge regression for a number, on the features
of all versions of the images.

The standardisation of the features becomes a part of the head's weights, so the head is one plain dense layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import keras
import numpy as np

from greycard.audit.duplicates import FEW_ALIGNED, find_pairs
from greycard.audit.group_split import group_numbers
from greycard.audit.thumbnails import load_thumbnails
from greycard.backend.inference import by_keras
from greycard.core.reporter import Reporter
from greycard.models.views import head_of_views
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.targets import class_weights
from greycard.training.features import BATCH, ViewFeatureLoader
from greycard.training.logistic import Linear, Versions, fit_logistic
from greycard.training.regularisation import choose_strength
from greycard.training.ridge import fit_ridge
from greycard.training.setup import TrainSetup

Features = Sequence[Sequence[ArraySplit]]
"""For each version of the images its features, one array per backbone."""


class ProbeFit:
    """The fit of a probe's head; a `HeadFit` that changes nothing in the end.

    Args:
        setup: of a recipe with a probe.
        features: of the training images.
        rows: the images to fit on, bool (n,).
        groups: the group of each training image, int (n,); None without groups.
        reporter: shows what is done.
    """

    def __init__(
        self, setup: TrainSetup, features: Features, rows: np.ndarray, groups: np.ndarray | None, reporter: Reporter
    ) -> None:
        self._setup, self._features, self._reporter = setup, features, reporter
        self._rows = np.flatnonzero(rows)
        self._groups = None if groups is None else groups[self._rows]
        self._fits: list[Linear] = []

    @cached_property
    def network(self) -> keras.Model:
        """The model's head on the features of all versions of an image, float32 (b, versions, features)."""
        vector = self._setup.model.vector
        assert vector is not None
        return head_of_views(self._setup.model, vector, len(self._features))

    def fit(self, on_step: Callable[[], object]) -> dict[str, float]:
        """Fit the head and set its weights; returns `loss` and `accuracy` on all training images."""
        self.set_head(self.solve(on_step))
        loader, engine = ViewFeatureLoader(self._features, BATCH), by_keras(self.network)
        outputs = np.concatenate([engine(batch) for batch, _ in loader.epoch(0)])
        return self._setup.task.measure(loader.split.labels, outputs)

    def finish(self) -> str | None:
        """Nothing: the head's weights are final."""
        return None

    def solve(self, on_step: Callable[[], object]) -> list[Linear]:
        """Choose the regularisation and fit, for each backbone; once, and with the same numbers in every process."""
        if self._fits:
            return self._fits
        labels, fits = self._setup.arrays.train.labels[self._rows], list[Linear]()
        fit = self._by_classes if self._setup.task.has_classes else self._by_numbers
        for number, backbone in enumerate(self._setup.recipe.backbones):
            features = [self._some(parts[number].images) for parts in self._features]
            with self._reporter.status(f"fitting the probe of {backbone.backbone}"):
                found, how = fit(features, labels, on_step)
                fits.append(found)
            self._reporter.log(f"probe of {backbone.backbone}: {how}")
        self._fits = fits
        return fits

    def _by_classes(self, features: Versions, labels: np.ndarray, on_step: Callable[[], object]) -> tuple[Linear, str]:
        """A logistic regression, and its regularisation in words."""
        units, weights, seed = self._setup.task.units, self._image_weights(labels), self._setup.recipe.training.seed
        choice = choose_strength(
            features, labels, units, groups=self._groups, weights=weights, seed=seed, on_step=on_step
        )
        found, _ = fit_logistic(features, labels, units, choice.strength, weights=weights, on_step=on_step)
        how = "chosen by cross-validation" if choice.losses else "not chosen: each class has only one image"
        return found, f"regularisation C={choice.strength:.2g}, {how}"

    def _by_numbers(self, features: Versions, labels: np.ndarray, on_step: Callable[[], object]) -> tuple[Linear, str]:
        """A ridge regression of the standardised numbers, and its penalty in words."""
        targets, seed = self._setup.task.standardised(labels), self._setup.recipe.training.seed
        found = fit_ridge(features, targets, groups=self._groups, seed=seed, on_step=on_step)
        how = "chosen by cross-validation" if found.losses else "not chosen: there are too few images"
        return found.linear, f"ridge penalty {found.penalty:.2g}, {how}"

    def _image_weights(self, labels: np.ndarray) -> np.ndarray | None:
        """How much each image counts if the classes are balanced; weights and sampling are the same for a fit."""
        if self._setup.recipe.loss.balance == "none":
            return None
        return class_weights(labels, len(self._setup.classes))[labels]

    def _some(self, features: np.ndarray) -> np.ndarray:
        """The rows to fit on; all features together are not copied, they may be larger than the memory."""
        return features if len(self._rows) == len(features) else features[self._rows]

    def set_head(self, fits: Sequence[Linear]) -> None:
        """Set the head's weights so that its logits are the mean of all fits."""
        self._setup.model.head.set_weights(head_weights(fits))


def head_weights(fits: Sequence[Linear]) -> list[np.ndarray]:
    """The kernel and the bias of a dense layer whose logits are the mean of all fits, float32."""
    kernel = np.concatenate([fit.weights for fit in fits]) / len(fits)
    bias = np.mean([fit.bias for fit in fits], axis=0)
    return [kernel.astype(np.float32), bias.astype(np.float32)]


def groups_of(setup: TrainSetup) -> np.ndarray | None:
    """The group of each training image if the split keeps duplicates together; None without groups."""
    if not setup.recipe.data.group_duplicates:
        return None
    empty = setup.dataset.validation.take(np.arange(0))
    data = replace(setup.dataset, validation=empty, test=None)
    thumbnails = load_thumbnails(data)
    pairs = find_pairs(thumbnails, data, most_aligned=FEW_ALIGNED)
    numbers = group_numbers(thumbnails.ids, pairs, None).tolist()
    group_of = dict(zip(thumbnails.ids, numbers, strict=True))
    return np.array([group_of.get(id, len(numbers) + row) for row, id in enumerate(setup.arrays.train.ids)])
