"""The table of model families. A new family is one file here, one line in this table, and its config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from greycard.models import convnet, mlp, pretrained, resnet
from greycard.models.model import Body

Build = Callable[[Any, keras.KerasTensor, Path | None], Body]
"""From the family's config, the input tensor and the file of pretrained weights to the layers before the head."""

FAMILIES: Mapping[str, Build] = {
    "mlp": mlp.build,
    "convnet": convnet.build,
    "resnet": resnet.build,
    "pretrained": pretrained.build,
}
