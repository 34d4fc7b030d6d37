"""A user's own Keras model: build it with the user's function, check it, and find its parts."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import keras
import numpy as np
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.graph import functional, producer
from greycard.models.inputs import image_input
from greycard.models.model import Model
from greycard.models.stated import stated
from greycard.tasks.task import Task

BuildNetwork = Callable[[tuple[int, int, int], int], keras.Model]
"""From (height, width, channels) and the number of classes to a Keras model: pixels 0 to 255 in, probabilities out."""


def build_custom(build: BuildNetwork, shape: tuple[int, int, int], task: Task) -> Model:
    """Build the user's model, not compiled; its input is uint8 pixels.

    Args:
        build: the user's function.
        shape: height, width and channels of the images.
        task: says how many classes and outputs there are, and whether the probabilities exclude each other.

    Raises:
        GreycardError: the result is not a Keras model, has another input or output shape, returns values that are not
            probabilities, or has a Lambda layer.
    """
    network = _built(build, shape, max(1, task.classes))
    _expect_model(network, shape, task.units)
    graph = functional(network)
    assert graph is not None  # a model with an input has a graph
    graph = _reloaded(graph if graph.inputs[0].dtype == "uint8" else _of_pixels(graph, shape))
    if task.has_classes:
        _expect_probabilities(graph, shape, sum_to_one=task.has_one_class)
        return stated(graph)
    model = stated(graph)
    _expect_linear(model)
    return model


def _built(build: BuildNetwork, shape: tuple[int, int, int], classes: int) -> Any:
    try:
        signature(build).bind(shape, classes)
    except TypeError as error:
        raise GreycardError(
            f"the model function is called with the shape of an image and the number of classes: {error}",
            hint="def build(shape, classes): …",
        ) from error
    return build(shape, classes)


def _of_pixels(graph: keras.Model, shape: tuple[int, int, int]) -> keras.Model:
    """The same layers on uint8 pixels, each of them a layer of the new model's own graph."""
    pixels = image_input(shape[:2], shape[2])
    as_float = layers.Rescaling(1.0, name="pixels_as_float")(pixels)
    given = keras.tree.map_structure(lambda _: as_float, graph.input)
    output = keras.tree.flatten(graph.call(given))[0]
    return keras.Model(pixels, output, name=graph.name)


def _expect_model(network: Any, shape: tuple[int, int, int], units: int) -> None:
    if not isinstance(network, keras.Model) or len(getattr(network, "inputs", None) or ()) != 1:
        raise GreycardError(
            "the model function must return a functional or sequential Keras model with one input."
            f" Received: {network!r}",
            hint="return keras.Model(inputs, outputs), or keras.Sequential that begins with keras.Input(shape)",
        )
    if any(isinstance(layer, layers.Lambda) for layer in network._flatten_layers()):
        raise GreycardError(
            "the model has a Lambda layer, which cannot be loaded safely",
            hint="write a subclass of keras.layers.Layer, registered with keras.saving.register_keras_serializable",
        )
    expected, found = ((None, *shape), (None, units)), (network.inputs[0].shape, network.outputs[0].shape)
    if tuple(map(tuple, found)) != expected:
        raise GreycardError(
            f"the model must take {expected[0]} and return {expected[1]}. Received: {found[0]} and {found[1]}",
            hint=_shape_hint(found[1], units),
        )


def _reloaded(graph: keras.Model) -> keras.Model:
    """The model as a saved one is loaded: one that cannot be loaded is refused before it is trained."""
    try:
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(graph), safe_mode=True)
        copy.set_weights(graph.get_weights())
    except Exception as error:  # Keras raises nearly anything
        reason = str(error).strip().partition("\n")[0]
        raise GreycardError(
            f"the model cannot be saved and loaded: {reason}",
            hint="a layer of your own needs get_config and keras.saving.register_keras_serializable",
        ) from error
    return copy


def _shape_hint(outputs: tuple[int | None, ...], units: int) -> str:
    if units == 1 and tuple(outputs) == (None, 2):
        return 'set task="multiclass" to train two classes with a softmax'
    return "use the function's arguments: the shape of an image and the number of classes"


def _expect_linear(model: Model) -> None:
    """Refuse a head for probabilities, or for positive numbers: it could not predict all standardised numbers."""
    last = producer(model.network.outputs[0])
    if last is not model.head or model.head.activation is not keras.activations.linear:
        raise GreycardError(
            f"the model of a regression must end with a linear unit. Received: {last.name!r}",
            hint="end it with Dense(1), without an activation; Greycard standardises the numbers",
        )


def _expect_probabilities(network: keras.Model, shape: tuple[int, int, int], *, sum_to_one: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    outputs = np.asarray(network.predict_on_batch(images))
    total = outputs.sum(axis=1) if sum_to_one and outputs.shape[1] > 1 else np.ones(len(outputs))
    if not (np.all((outputs >= 0) & (outputs <= 1)) and np.allclose(total, 1, atol=1e-3)):
        raise GreycardError(
            "the model's outputs are not probabilities",
            hint='end it with Dense(classes, activation="softmax"), or for two classes Dense(1, activation="sigmoid")'
            if sum_to_one
            else 'end it with Dense(classes, activation="sigmoid")',
        )
