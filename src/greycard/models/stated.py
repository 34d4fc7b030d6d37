"""Find the parts of a model that a user built, from its graph."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import Operation, layers

from greycard.core.errors import GreycardError
from greycard.models.graph import functional, inputs_of, output_of, producer, rank, upstream
from greycard.models.model import Model
from greycard.tasks.regression import UNIT

_CONVOLUTIONS = (layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Conv2DTranspose)

_POOLING = (layers.MaxPooling2D, layers.AveragePooling2D, layers.Dropout, layers.SpatialDropout2D)
"""Layers after a feature map that lose information about position."""

_AFTER_HEAD = ("softmax", "sigmoid", "linear")
"""Activations that may be a separate layer after the head."""

_HINT = "end it with a Dense layer: a softmax unit for each class, or one sigmoid unit for two classes"


def stated(network: keras.Model) -> Model:
    """Find the parts of a Keras model: the last Dense layer is the head, the map before pooling is the feature map.

    Args:
        network: a functional or sequential model with one input and one output; compiled or not.

    Raises:
        GreycardError: the model has no graph, more than one input or output, no dense head, or uses a layer twice.
    """
    functional = _functional(network)
    head = head_of(functional)
    before = upstream(functional, head)
    features = _features(functional, head)
    return Model(functional, _preprocessing(before), _feature_layer(functional, features), features, head)


def head_of(network: keras.Model) -> layers.Dense:
    """The dense layer that computes the logits: the last layer, or the one before the last activation or the unit.

    Raises:
        GreycardError: the model ends with something else.
    """
    last = producer(network.outputs[0])
    while _is_last_activation(last):
        last = producer(inputs_of(network, last)[0])
    if not isinstance(last, layers.Dense) or rank(inputs_of(network, last)[0]) != 2:
        raise GreycardError(f"the model ends with {type(last).__name__} {last.name!r}, not a dense head", hint=_HINT)
    return last


def _is_last_activation(last: Operation) -> bool:
    if isinstance(last, layers.Rescaling) and last.name == UNIT:
        return True
    named = isinstance(last, layers.Activation) and last.activation.__name__ in _AFTER_HEAD
    return named or isinstance(last, layers.Softmax)


def _functional(network: keras.Model) -> keras.Model:
    found = functional(network)
    if found is None:
        raise GreycardError(
            f"{type(network).__name__} {network.name!r} has no graph to find its feature layer and head in",
            hint="build it with keras.Model(inputs, outputs), or keras.Sequential with a keras.Input first",
        )
    if len(found.inputs) != 1 or len(found.outputs) != 1:
        raise GreycardError(
            f"the model has {len(found.inputs)} inputs and {len(found.outputs)} outputs; expected one of each",
            hint="use one input for the image and one output for the probabilities of the classes",
        )
    return found


def _features(network: keras.Model, head: Operation) -> Operation | None:
    """The operation that computes the first vector on the path to the head; None if that is the input."""
    current = producer(inputs_of(network, head)[0])
    while not isinstance(current, layers.InputLayer):
        given = inputs_of(network, current)
        if len(given) != 1 or rank(given[0]) != 2:
            return current
        current = producer(given[0])
    return None


def _feature_layer(network: keras.Model, features: Operation | None) -> Operation | None:
    """The operation that computes the feature map, before pooling; None without convolutions or with several maps."""
    if features is None:
        return None
    maps = {id(found): found for each in upstream(network, features) for found in _pooled(network, each)}
    found = next(iter(maps.values())) if len(maps) == 1 else None
    made = () if found is None else upstream(network, found)
    return found if any(map(_convolves, made)) else None


def _convolves(each: Operation) -> bool:
    """True for a convolution, and for a nested model that has one; nested models can also only augment or scale."""
    if isinstance(each, keras.Model):
        return any(isinstance(layer, _CONVOLUTIONS) for layer in each._flatten_layers())
    return isinstance(each, _CONVOLUTIONS)


def _pooled(network: keras.Model, each: Operation) -> Sequence[Operation]:
    """If an operation turns a feature map into a vector: the operation that computes the map."""
    if isinstance(each, layers.InputLayer) or rank(output_of(network, each)) != 2:
        return ()
    found = [producer(tensor) for tensor in inputs_of(network, each) if rank(tensor) == 4]
    return [_before_pooling(network, one) for one in found]


def _before_pooling(network: keras.Model, current: Operation) -> Operation:
    while isinstance(current, _POOLING):
        current = producer(inputs_of(network, current)[0])
    return current


def _preprocessing(before: Sequence[Operation]) -> Operation | None:
    return next((each for each in before if isinstance(each, layers.Rescaling | layers.Normalization)), None)
