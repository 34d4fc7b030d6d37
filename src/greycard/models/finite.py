"""Refuse a model with NaN or infinity in its weights: it can neither predict nor be transferred."""

from __future__ import annotations

import keras
import numpy as np

from greycard.core.errors import GreycardError

RETRAIN = "train again with a smaller learning rate, such as --set learning_rate=0.0001"


def non_finite_weights(model: keras.Model) -> int:
    """Number of the model's weights that are NaN or infinite."""
    arrays = (np.asarray(keras.ops.convert_to_numpy(weight)) for weight in model.weights)
    return sum(int((~np.isfinite(array)).sum()) for array in arrays if array.dtype.kind not in "iub")


def expect_finite_weights(model: keras.Model, name: str) -> None:
    """Refuse a model with non-finite weights.

    Args:
        model: the model.
        name: the name of its file or run, for the error.

    Raises:
        GreycardError: a weight is NaN or infinite.
    """
    bad = non_finite_weights(model)
    if bad:
        raise GreycardError(
            f"{name} cannot predict: {bad:,} of its {model.count_params():,} weights are NaN or infinite", hint=RETRAIN
        )
