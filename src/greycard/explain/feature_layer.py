"""A model split at its feature layer: from pixels to the feature map, and from the feature map to logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from greycard.core.errors import GreycardError
from greycard.models.calibrated import logits_of
from greycard.models.model import Model
from greycard.tasks.task import Task


@dataclass(frozen=True)
class Parts:
    """The two halves of a classifier.

    Attributes:
        features: uint8 pixels (b, height, width, channels) → the feature map (b, rows, columns, filters).
        head: that feature map → one logit per class (b, classes).
    """

    features: keras.Model
    head: Callable[[Any], Any]


def split_at_feature_layer(model: Model, task: Task) -> Parts:
    """Split a model at its feature layer.

    Raises:
        GreycardError: the model has none, such as a dense network.
    """
    if model.feature_map is None:
        raise GreycardError(
            "the model has no feature map, which Grad-CAM needs", hint="use the occlusion map; it works for any model"
        )
    top = keras.Model(model.feature_map, logits_of(model))
    bottom = keras.Model(model.network.inputs[0], model.feature_map)
    return Parts(bottom, lambda x: task.class_logits(top(x, training=False)))
