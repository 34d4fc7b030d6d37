"""A learning rate of its own for each layer, with any optimizer of Keras."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import keras


def scale_rates(optimizer: keras.optimizers.Optimizer, factors: Mapping[str, float]) -> None:
    """Multiply the learning rate of each weight by its factor.

    Keras gives one learning rate to all weights of a step, so the step is done for each factor by itself. Scaled
    gradients would not do: Adam divides by their size.

    Args:
        optimizer: changed in place.
        factors: by the weight's path; a weight without a factor keeps the whole rate.
    """
    update = optimizer._backend_update_step

    def by_factor(gradients: list[Any], weights: list[keras.Variable], learning_rate: Any) -> None:
        groups: dict[float, list[tuple[Any, keras.Variable]]] = defaultdict(list)
        for gradient, weight in zip(gradients, weights, strict=True):
            groups[factors.get(weight.path, 1.0)].append((gradient, weight))
        for factor, pairs in groups.items():
            update([each for each, _ in pairs], [each for _, each in pairs], learning_rate * factor)

    optimizer._backend_update_step = by_factor
