"""The model that is put to use: pixels in, the calibrated probability of every class out, whatever the head was.

`predict`, the server and every export share it, so they give one answer.
"""

from __future__ import annotations

import keras
from keras import layers

from greycard.models.model import Model


def calibrated_model(model: Model, temperature: float = 1.0) -> keras.Model:
    """The classifier with its logits divided by a temperature, made of Keras's own layers.

    Args:
        model: a classifier, with a sigmoid unit for two classes or a softmax.
        temperature: as the run's validation images calibrate it; 1 changes nothing.

    Returns:
        uint8 (b, height, width, channels) to float32 (b, classes), rows sum to 1.
    """
    x = logits_of(model)
    if temperature != 1.0:
        x = layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(x)
    return keras.Model(model.network.inputs[0], _probabilities(x, model.head.units), name="greycard")


def logits_of(model: Model) -> keras.KerasTensor:
    """The head without its activation, as a tensor of the model's graph: float32 (b, units), by a copy of its weights.

    The copy stands beside the head, so the model itself stays as it is.
    """
    head = model.head
    layer = layers.Dense(head.units, use_bias=head.use_bias, name="logits", dtype="float32")
    logits = layer(model.head_input)
    layer.set_weights(head.get_weights())
    return logits


def _probabilities(logits: keras.KerasTensor, units: int) -> keras.KerasTensor:
    if units > 1:
        return layers.Softmax(name="probabilities", dtype="float32")(logits)
    second = layers.Activation("sigmoid", name="second", dtype="float32")(logits)
    first = layers.Rescaling(-1.0, 1.0, name="first", dtype="float32")(second)
    return layers.Concatenate(name="probabilities", dtype="float32")([first, second])
