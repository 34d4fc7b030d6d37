"""The outputs of all convolution and pooling layers for an image, and the filters of the first convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import Operation, layers, ops

from greycard.models.graph import functional, inputs_of, output_of, producer, upstream
from greycard.models.model import Model

_MOST = 12
_KINDS = layers.Conv2D | layers.DepthwiseConv2D | layers.MaxPooling2D | layers.AveragePooling2D


def feature_maps(model: Model, image: np.ndarray) -> dict[str, np.ndarray]:
    """The output of each convolution and pooling layer, float32 (rows, columns, filters), by name and in order.

    Args:
        model: a classifier; the result is empty if it has no feature map, and has at most twelve layers, evenly spread.
        image: uint8 (height, width, channels), in the model's input size.
    """
    inside, prepared, operations = _innermost(model, image[None])
    found = [each for each in operations if isinstance(each, _KINDS)]
    if len(found) > _MOST:
        found = [found[place] for place in np.linspace(0, len(found) - 1, _MOST).astype(int)]
    if not found:
        return {}
    outputs = keras.Model(inside.inputs[0], [output_of(inside, each) for each in found])(prepared, training=False)
    maps = outputs if isinstance(outputs, list) else [outputs]
    return {
        each.name: np.asarray(ops.convert_to_numpy(out), np.float32)[0] for each, out in zip(found, maps, strict=True)
    }


def first_filters(model: Model) -> np.ndarray | None:
    """The kernels of the first convolution, float32 (height, width, channels, filters); None if there is none."""
    _, _, operations = _innermost(model, None)
    first = next((each for each in operations if isinstance(each, layers.Conv2D)), None)
    return None if first is None else np.asarray(ops.convert_to_numpy(first.kernel), np.float32)


def _innermost(model: Model, images: Any) -> tuple[keras.Model, Any, Sequence[Operation]]:
    """The innermost network with the feature layer, its input for the images, and its operations up to the vector."""
    if model.feature_layer is None or model.features is None:
        return model.network, images, ()
    network, last, feature_layer = model.network, model.features, model.feature_layer
    while isinstance(feature_layer, keras.Model) and (inner := functional(feature_layer)):
        before = keras.Model(network.inputs[0], inputs_of(network, feature_layer)[0])
        images = images if images is None else before(images, training=False)
        network, last = inner, producer(inner.outputs[0])
        feature_layer = last
    return network, images, upstream(network, last)
