"""A model's forward pass in training, with faster operations where they compute the same as its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from greycard.backend import tensorflow_conv

Call = Callable[[Any], Any]


def forward(model: keras.Model) -> Call:
    """A function that computes `model(x, training=True)`.

    Every pair of convolution and pooling that `tensorflow_conv.matches` accepts becomes one operation. All other layers
    are called in order. A model that is not a simple chain of layers is called unchanged.
    """
    chain = _chain(model)
    return _in_sequence(_calls(chain)) if chain else lambda x: model(x, training=True)


def _chain(model: keras.Model) -> list[keras.Layer]:
    """The layers from input to output if each one takes only the output of the one before; else an empty list."""
    chain = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    given, made = [layer.input for layer in chain], [layer.output for layer in chain]
    ends = len(model.inputs) == len(model.outputs) == 1 and bool(chain) and model.outputs[0] is made[-1]
    follows = all(one is other for one, other in zip(given, [*model.inputs, *made], strict=False))
    return chain if ends and follows and not any(map(_has_arguments, chain)) else []


def _has_arguments(layer: keras.Layer) -> bool:
    """True if the layer was called with more than one tensor and `training` when the model was built."""
    arguments = layer._inbound_nodes[0].arguments
    named = {name for name, value in arguments.kwargs.items() if value is not None}
    return len(arguments.args) > 1 or bool(named - {"training"})


def _calls(chain: Sequence[keras.Layer]) -> list[Call]:
    """The last layer is never part of a pair: the layer after a pair must cast its input to its own precision."""
    calls: list[Call] = []
    position = 0
    while position < len(chain):
        layer, *after = chain[position : position + 3]
        pair = len(after) == 2 and after[1].autocast and tensorflow_conv.matches(layer, after[0])
        calls.append(tensorflow_conv.fused(layer) if pair else _unchanged(layer))
        position += 2 if pair else 1
    return calls


def _unchanged(layer: keras.Layer) -> Call:
    return lambda x: layer(x, training=True)


def _in_sequence(calls: Sequence[Call]) -> Call:
    def call(x: Any) -> Any:
        for each in calls:
            x = each(x)
        return x

    return call
