"""A pretrained network's features of a dataset."""

from __future__ import annotations

import numpy as np

from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.jobs.choose import choose_recipe
from greycard.models.probe import extractors
from greycard.training.features import FrozenFeatures, backbone_identity
from greycard.training.prepare import prepare


def network_features(dataset: Dataset, weights: str, reporter: Reporter) -> np.ndarray:
    """The cached features of all training, then validation, then test images, float32 (n, features).

    Args:
        dataset: of images.
        weights: as for a recipe that Greycard chooses (`choose_recipe`).
        reporter: shows progress.

    Raises:
        GreycardError: there are no weights of a network that is fast on a CPU.
    """
    recipe, _ = choose_recipe(dataset, weights=weights, backbone=None)
    setup = prepare(recipe, dataset, weights, reporter, Clock())
    features = FrozenFeatures(extractors(setup.model)[0], backbone_identity(recipe.backbones[0], setup.weights[0]))
    count = reporter.progress("features", sum(map(len, setup.arrays)))
    return np.concatenate([features.of(split, count).images for split in setup.arrays])
