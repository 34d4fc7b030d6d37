"""The model for predictions: pixels in, the calibrated probability of every class out, for every kind of head.

`predict`, the server and every export use it, so their outputs agree.
"""

from __future__ import annotations

import keras
from keras import layers

from greycard.models.model import Model
from greycard.tasks.task import Task


def calibrated_model(model: Model, task: Task, temperature: float = 1.0) -> keras.Model:
    """The classifier with its logits divided by a temperature, built from standard Keras layers.

    Args:
        model: a classifier.
        task: the model's task; it has classes.
        temperature: calibrated on the run's validation images; 1 changes nothing.

    Returns:
        uint8 (b, height, width, channels) to float32 (b, classes), rows sum to 1.
    """
    x = logits_of(model)
    if temperature != 1.0:
        x = layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(x)
    return keras.Model(model.network.inputs[0], task.probability_layers(x), name="greycard")


def logits_of(model: Model) -> keras.KerasTensor:
    """The logits, a tensor of the model's graph: float32 (b, units).

    The copy does not replace the head, so the model does not change.
    """
    head = model.head
    layer = layers.Dense(head.units, use_bias=head.use_bias, name="logits", dtype="float32")
    logits = layer(model.head_input)
    layer.set_weights(head.get_weights())
    return logits
