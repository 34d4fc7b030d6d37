"""Grad-CAM without gradients, for networks whose logits are linear in their pooled feature map.

There the gradient is the same at every place, so the evidence of a place for a class is a product with the head's
weights. Source: Zhou et al., "Learning deep features for discriminative localization" (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops

from greycard.models.calibrated import logits_of
from greycard.models.model import Model
from greycard.tasks.task import Task

_TOLERANCE = 1e-3


@dataclass(frozen=True)
class ClassActivation:
    """The evidence of each place for each class, as a part of the model's graph.

    Attributes:
        evidence: a tensor (views × b, rows, columns, classes) of the network's graph; the logits are its mean over
            views and places, plus the bias.
        bias: one number per class.
    """

    evidence: keras.KerasTensor
    bias: tuple[float, ...]


def class_activation(model: Model, task: Task) -> ClassActivation | None:
    """The evidence of a model's feature map; None if the logits are not linear in it, which is tried on two images.

    Args:
        model: it does not change.
        task: the model's task; a number is one class, and its logit is the number in standard deviations.
    """
    feature_map, head = model.feature_map, model.head
    if feature_map is None or task.has_several or head.kernel.shape[0] != feature_map.shape[-1]:
        return None
    kernel = ops.convert_to_numpy(task.class_logits(ops.convert_to_tensor(head.kernel)))
    bias = ops.convert_to_numpy(head.bias) if head.use_bias else np.zeros(head.units, np.float32)
    each = ops.convert_to_numpy(task.class_logits(ops.convert_to_tensor(bias[None])))[0]
    layer = layers.Dense(kernel.shape[1], use_bias=False, name="evidence", dtype="float32")
    found = ClassActivation(layer(feature_map), tuple(map(float, each)))
    layer.set_weights([kernel])
    return found if _is_linear(model, task, found) else None


def _is_linear(model: Model, task: Task, found: ClassActivation) -> bool:
    pixels = model.network.inputs[0]
    images = np.random.default_rng(0).integers(0, 256, (2, *pixels.shape[1:]), dtype=np.uint8)
    logits, evidence = keras.Model(pixels, [logits_of(model), found.evidence]).predict_on_batch(images)
    expected = ops.convert_to_numpy(task.class_logits(ops.convert_to_tensor(logits)))
    by_view = np.asarray(evidence).reshape(-1, len(images), *evidence.shape[1:])
    difference = np.abs(by_view.mean(axis=(0, 2, 3)) + found.bias - expected).max()
    return bool(difference <= _TOLERANCE * max(1.0, float(np.abs(expected).max())))
