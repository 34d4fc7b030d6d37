"""A user's own Keras model: built by the user's function, checked, and its parts worked out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.inputs import image_input
from greycard.models.model import Model
from greycard.models.stated import stated

BuildNetwork = Callable[[tuple[int, int, int], int], keras.Model]
"""From (height, width, channels) and the number of classes to a Keras model: pixels 0 to 255 in, probabilities out."""


def build_custom(build: BuildNetwork, shape: tuple[int, int, int], classes: int, units: int) -> Model:
    """The user's model with uint8 pixels as its input, not compiled.

    Args:
        build: the user's function.
        shape: height, width and channels of the images.
        classes: the number of classes.
        units: outputs that the task needs: 1 for two classes, otherwise one per class.

    Raises:
        GreycardError: no Keras model, another input or output, outputs that are not probabilities, or a Lambda layer.
    """
    network = build(shape, classes)
    _expect_model(network, shape, units)
    if network.inputs[0].dtype != "uint8":
        pixels = image_input(shape[:2], shape[2])
        network = keras.Model(pixels, network(layers.Rescaling(1.0, name="pixels_as_float")(pixels)), name="greycard")
    _expect_probabilities(network, shape)
    return stated(network)


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
            hint="write a keras.layers.Layer of your own, registered with keras.saving.register_keras_serializable",
        )
    expected, found = ((None, *shape), (None, units)), (network.inputs[0].shape, network.outputs[0].shape)
    if tuple(map(tuple, found)) != expected:
        raise GreycardError(
            f"the model must take {expected[0]} and return {expected[1]}. Received: {found[0]} and {found[1]}",
            hint=_shape_hint(found[1], units),
        )


def _shape_hint(outputs: tuple[int | None, ...], units: int) -> str:
    if units == 1 and tuple(outputs) == (None, 2):
        return 'task="multiclass" trains two classes with a softmax'
    return "the function is called with the shape of an image and the number of classes: use both"


def _expect_probabilities(network: keras.Model, shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    outputs = np.asarray(network.predict_on_batch(images))
    total = outputs.sum(axis=1) if outputs.shape[1] > 1 else np.ones(len(outputs))
    if not (np.all((outputs >= 0) & (outputs <= 1)) and np.allclose(total, 1, atol=1e-3)):
        raise GreycardError(
            "the model's outputs are not probabilities",
            hint='end it with Dense(classes, activation="softmax"), or for two classes Dense(1, activation="sigmoid")',
        )
