"""A model taken apart where its last feature map is: what sees, and what decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from greycard.core.errors import GreycardError


@dataclass(frozen=True)
class Parts:
    """The two halves of a classifier.

    Attributes:
        layer: the name of the layer whose feature map lies between them.
        features: uint8 pixels (b, height, width, channels) → the feature map (b, rows, columns, filters).
        head: that feature map → logits (b, classes), two for a sigmoid's one.
    """

    layer: str
    features: keras.Model
    head: Callable[[Any], Any]


def split_at_last_conv(model: keras.Model) -> Parts:
    """Cut a model at its last convolution, or at the output of the backbone nested in it.

    Raises:
        GreycardError: it has neither, such as a dense network.
    """
    chain = model.layers
    maps = [place for place, layer in enumerate(chain) if _makes_map(layer)]
    if not maps:
        raise GreycardError(
            "the model has no convolution and so no feature map to explain it by",
            hint="use the occlusion map: it works for any model",
        )
    *between, last = chain[maps[-1] + 1 :]
    seen = (between or [last])[0].input  # a nested model's own `output` belongs to its inner graph
    return Parts(
        chain[maps[-1]].name, keras.Model(model.inputs[0], seen), lambda x: _logits(_through(between, x), last)
    )


def has_feature_map(model: keras.Model) -> bool:
    return any(_makes_map(layer) for layer in model.layers)


def _makes_map(layer: keras.Layer) -> bool:
    """Pooling comes after a convolution and shows less of where."""
    return isinstance(layer, layers.Conv2D | keras.Model) and len(layer.output.shape) == 4


def _through(between: list[keras.Layer], x: Any) -> Any:
    for layer in between:
        x = layer(x, training=False) if isinstance(layer, layers.Dropout) else layer(x)
    return x


def _logits(x: Any, last: keras.Layer) -> Any:
    """What the last layer has before its softmax or sigmoid; a sigmoid's one is halved between its two classes."""
    logits = ops.matmul(ops.cast(x, "float32"), last.kernel) + last.bias
    return ops.concatenate([-logits / 2, logits / 2], axis=1) if logits.shape[1] == 1 else logits
