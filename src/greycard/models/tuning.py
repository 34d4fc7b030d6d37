"""Which layers of a probe's backbone are fine-tuned, and the part of the model that they are in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import Operation, layers

from greycard.core.errors import GreycardError
from greycard.models.graph import inputs_of, output_of, producer
from greycard.models.model import Model
from greycard.models.views import between

LAST = "last"

_LAST_SHARE = 0.25
"""The last block has at least this share of the backbone's weights: the last block of ResNet50 and of MobileNetV2."""

_LOWEST_RATE = 0.05
"""The learning rate of the backbone's first layer, as a fraction of the last layer's; it falls layer by layer."""


@dataclass(frozen=True)
class Tuned:
    """A probe split at the layer where fine-tuning begins.

    Attributes:
        bottom: the layers that do not change: uint8 pixels to the feature map below the last block.
        top: the layers from this map on, with their parts.
    """

    bottom: keras.Model
    top: Model


def unfreeze(base: keras.Model, part: str) -> None:
    """Make the last block or all layers of a frozen backbone trainable.

    Batch norm stays frozen: its statistics are those of the pretraining, and images of a small data set would spoil
    them.

    Args:
        base: the backbone.
        part: `last` or `all`.
    """
    frozen = set(map(id, _operations_before(base, _last_block(base)))) if part == LAST else set()
    base.trainable = True
    for layer in base._flatten_layers(include_self=False):
        if id(layer) in frozen or isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def split_below_tuned(model: Model) -> Tuned:
    """Split a probe whose last block is tuned; the parts share its layers.

    Raises:
        GreycardError: the backbone cannot be split.
    """
    assert model.feature_layer is not None
    base = model.feature_layer
    assert isinstance(base, keras.Model)
    cut = output_of(base, _last_block(base))
    given = inputs_of(model.network, base)[0]
    bottom = keras.Model(model.network.inputs[0], between(base.inputs[0], cut, given), name="below_last_block")
    map_below = keras.Input(cut.shape[1:], dtype=cut.dtype, name="map_below_last_block")
    last_map = between(cut, base.outputs[0], map_below)
    output = between(output_of(model.network, base), model.network.outputs[0], last_map)
    network = keras.Model(map_below, output, name=model.network.name)
    return Tuned(bottom, replace(model, network=network, preprocessing=None, feature_layer=producer(last_map)))


def rates(model: Model) -> Mapping[str, float]:
    """The factor of the learning rate of each trained weight, by the weight's path.

    It falls from 1 for the head and the last layer of the backbone to `_LOWEST_RATE` for its first layer.
    """
    with_weights = [layer for layer in _flat(model.network) if layer.weights]
    depths = np.linspace(1, 0, len(with_weights)) if len(with_weights) > 1 else [0.0]
    return {
        weight.path: float(_LOWEST_RATE**depth)
        for layer, depth in zip(with_weights, depths, strict=True)
        for weight in layer.trainable_weights
    }


def _flat(network: keras.Model) -> list[keras.Layer]:
    """All layers in the order of the graph, those of nested models in their place."""
    return [
        inner for layer in network.layers for inner in (_flat(layer) if isinstance(layer, keras.Model) else [layer])
    ]


def _last_block(base: keras.Model) -> Operation:
    """The operation whose output all layers of the last block depend on, and nothing before it."""
    total, after = base.count_params(), 0
    cuts = {id(each) for each in _bottlenecks(base)}
    for each in reversed(base.operations):
        if after >= _LAST_SHARE * total and id(each) in cuts:
            return each
        after += each.count_params() if isinstance(each, keras.Layer) else 0
    raise GreycardError(
        f"{base.name} has no last block that can be tuned by itself", hint="use fine_tune=all, or fine_tune=none"
    )


def _bottlenecks(base: keras.Model) -> list[Operation]:
    """The operations, except inputs, whose output is the only one that later operations use; in order."""
    place = {id(each): position for position, each in enumerate(base.operations)}
    last_use = [0] * len(place)
    for each in base.operations:
        for tensor in [] if isinstance(each, layers.InputLayer) else inputs_of(base, each):
            last_use[place[id(producer(tensor))]] = place[id(each)]
    found, furthest = [], 0
    for position, each in enumerate(base.operations[:-1]):
        if furthest <= position and not isinstance(each, layers.InputLayer):
            found.append(each)
        furthest = max(furthest, last_use[position])
    return found


def _operations_before(base: keras.Model, last: Operation) -> list[Operation]:
    """All operations up to this one, and it."""
    return base.operations[: base.operations.index(last) + 1]
