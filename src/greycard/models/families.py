"""The table of model families. A new family is one file here, one line in this table, and its config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from greycard.models import convnet, mlp, pretrained, probe, resnet
from greycard.models.model import Body, Weights

Build = Callable[[Any, keras.KerasTensor, Weights], Body]
"""From the family's config, the input tensor and the files of pretrained weights to the layers before the head."""

FAMILIES: Mapping[str, Build] = {
    "mlp": mlp.build,
    "convnet": convnet.build,
    "resnet": resnet.build,
    "pretrained": pretrained.build,
    "probe": probe.build,
}
