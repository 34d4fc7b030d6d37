"""A pretrained network's features of a whole dataset."""

from __future__ import annotations

import numpy as np

from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.jobs.choose import choose_recipe
from greycard.jobs.learner import identity
from greycard.jobs.prepare import prepare
from greycard.training.features import FrozenFeatures


def network_features(dataset: Dataset, weights: str, reporter: Reporter) -> np.ndarray:
    """float32 (training, validation and test images, features), in this order, kept in the cache.

    Args:
        dataset: of images.
        weights: as for a recipe that Greycard chooses (`choose_recipe`).
        reporter: told of progress.

    Raises:
        GreycardError: no weights of a network that is known to work on a CPU.
    """
    recipe, _ = choose_recipe(dataset, weights=weights, backbone=None)
    prepared = prepare(recipe, dataset, weights, reporter, Clock())
    features = FrozenFeatures(prepared.model, prepared.task, identity(prepared))
    parts = [part for part in (prepared.train, prepared.validation, prepared.test) if part is not None]
    count = reporter.progress("features", sum(map(len, parts)))
    return np.concatenate([features.of(part, count).images for part in parts])
