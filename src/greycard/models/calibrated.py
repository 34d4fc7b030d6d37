"""The model for predictions: pixels in; the calibrated probability of every class and the strangeness out.

`predict`, the server and every export use it, so their outputs agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from greycard.models.model import Model
from greycard.models.strangeness import NAME as STRANGENESS
from greycard.models.strangeness import Strangeness
from greycard.tasks.task import Task

PROBABILITIES = "probabilities"
"""The name of the first output; the second one, if there is one, is `strangeness`."""


def calibrated_model(
    model: Model, task: Task, temperature: float = 1.0, strangeness: Strangeness | None = None
) -> keras.Model:
    """The classifier with its logits divided by a temperature, built from standard Keras layers.

    Args:
        model: a classifier.
        task: the model's task; it has classes.
        temperature: calibrated on the run's validation images; 1 changes nothing.
        strangeness: how far an image is from the training images; None for a model of the probabilities alone.

    Returns:
        uint8 (b, height, width, channels) to outputs by name: `probabilities`, float32 (b, classes), rows sum to 1;
        and `strangeness`, float32 (b, 1), if one is given.
    """
    x = logits_of(model)
    if temperature != 1.0:
        x = layers.Rescaling(1 / temperature, name="temperature", dtype="float32")(x)
    outputs = {PROBABILITIES: task.probability_layers(x)}
    if strangeness is not None:
        outputs[STRANGENESS] = strangeness.model()(model.head_input)
    return keras.Model(model.network.inputs[0], outputs, name="greycard")


def in_one_row(model: keras.Model) -> keras.Model:
    """A calibrated model with its outputs joined in one: float32 (b, classes), or (b, classes + 1) with strangeness."""
    outputs = in_order(model.output)
    joined = layers.Concatenate(name="row", dtype="float32")(outputs) if len(outputs) > 1 else outputs[0]
    return keras.Model(model.inputs[0], joined)


def in_order(outputs: Mapping[str, Any]) -> list[Any]:
    """The outputs of a calibrated model in the order of a row: probabilities, then strangeness if there is one."""
    return [outputs[name] for name in (PROBABILITIES, STRANGENESS) if name in outputs]


def logits_of(model: Model) -> keras.KerasTensor:
    """The logits, a tensor of the model's graph: float32 (b, units).

    The copy does not replace the head, so the model does not change.
    """
    head = model.head
    layer = layers.Dense(head.units, use_bias=head.use_bias, name="logits", dtype="float32")
    logits = layer(model.head_input)
    layer.set_weights(head.get_weights())
    return logits
