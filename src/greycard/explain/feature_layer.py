"""A model split at its feature layer: what makes the feature map, and what makes logits of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from greycard.core.errors import GreycardError
from greycard.models.calibrated import logits_of
from greycard.models.model import Model


@dataclass(frozen=True)
class Parts:
    """The two halves of a classifier.

    Attributes:
        features: uint8 pixels (b, height, width, channels) → the feature map (b, rows, columns, filters).
        head: that feature map → logits (b, classes), two for a sigmoid's one.
    """

    features: keras.Model
    head: Callable[[Any], Any]


def split_at_feature_layer(model: Model) -> Parts:
    """Split a model at the feature layer it states.

    Raises:
        GreycardError: it has none, such as a dense network.
    """
    if model.feature_map is None:
        raise GreycardError(
            "the model has no feature map to explain it by", hint="use the occlusion map: it works for any model"
        )
    top = keras.Model(model.feature_map, logits_of(model))
    return Parts(keras.Model(model.network.inputs[0], model.feature_map), lambda x: _two_sided(top(x, training=False)))


def _two_sided(logits: Any) -> Any:
    """A sigmoid's one logit is halved between its two classes."""
    return ops.concatenate([-logits / 2, logits / 2], axis=1) if logits.shape[1] == 1 else logits
