"""What every convolution and pooling layer makes of an image, and the filters that the first one learned."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

_MOST = 12
_KINDS = layers.Conv2D | layers.DepthwiseConv2D | layers.MaxPooling2D | layers.AveragePooling2D


def feature_maps(model: keras.Model, image: np.ndarray) -> dict[str, np.ndarray]:
    """Layer by layer, float32 (rows, columns, filters), in order; of a backbone's many layers twelve, evenly spread.

    Args:
        model: a classifier of Greycard's; empty for a dense network.
        image: uint8 (height, width, channels), at the model's size.
    """
    inside, prepared = _innermost(model, image[None])
    names = [layer.name for layer in inside.layers if isinstance(layer, _KINDS)]
    if len(names) > _MOST:
        names = [names[place] for place in np.linspace(0, len(names) - 1, _MOST).astype(int)]
    if not names:
        return {}
    outputs = keras.Model(inside.inputs[0], [inside.get_layer(name).output for name in names])(prepared)
    found = outputs if isinstance(outputs, list) else [outputs]
    return {name: np.asarray(ops.convert_to_numpy(out), np.float32)[0] for name, out in zip(names, found, strict=True)}


def first_filters(model: keras.Model) -> np.ndarray | None:
    """The kernels of the first convolution, float32 (height, width, channels, filters); None if there is none."""
    inside, _ = _innermost(model, None)
    first = next((layer for layer in inside.layers if isinstance(layer, layers.Conv2D)), None)
    return None if first is None else np.asarray(ops.convert_to_numpy(first.kernel), np.float32)


def _innermost(model: keras.Model, images: Any) -> tuple[keras.Model, Any]:
    """The backbone nested in a model, however deep, and what it is given of the images; else the model itself."""
    nested = next((layer for layer in model.layers if isinstance(layer, keras.Model)), None)
    if nested is None:
        return model, images
    before = model.layers[model.layers.index(nested) - 1].output
    return _innermost(nested, images if images is None else keras.Model(model.inputs[0], before)(images))
