"""A pretrained network's features of a whole dataset."""

from __future__ import annotations

import numpy as np

from greycard.datasets.core import Dataset
from greycard.training.clock import Clock
from greycard.training.display import Display
from greycard.training.features import FrozenFeatures
from greycard.workflow.choose import choose_recipe
from greycard.workflow.learner import identity
from greycard.workflow.prepare import prepare


def network_features(dataset: Dataset, weights: str, display: Display) -> np.ndarray:
    """float32 (training and validation pictures, features), in this order, kept in the cache.

    Args:
        dataset: of pictures.
        weights: as for a recipe that Greycard chooses (`choose_recipe`).
        display: told of progress.

    Raises:
        GreycardError: no weights of a network that is known to work on a CPU.
    """
    recipe, _ = choose_recipe(dataset, weights=weights, backbone=None)
    prepared = prepare(recipe, dataset, weights, display, Clock())
    features = FrozenFeatures(prepared.model, identity(prepared))
    count = display.counting("features", len(prepared.train) + len(prepared.validation))
    return np.concatenate([features.of(part, count).images for part in (prepared.train, prepared.validation)])
