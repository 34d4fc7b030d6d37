"""The weights of EfficientNet-Lite0: from a PyTorch file to Keras's layout, converted once and cached."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.imagenet import LITE0
from greycard.models.packaged import reinstall
from greycard.models.torch_file import read_tensors
from greycard.pipeline.cache import cached_array

_VERSION = 1
"""Increase this when a code change alters the order or the layout of the converted weights."""

_SOURCES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
"""The name of a layer, in its block if it is in one → its name in the PyTorch file."""

_FIELDS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

_NOT_LOADED = ("_fc.weight", "_fc.bias", "num_batches_tracked")
"""The endings of names that this network has no place for: the 1,000 classes of ImageNet, and counts of batches."""


def load_lite0(network: keras.Model, path: Path) -> None:
    """Set the network's weights from the PyTorch file; the converted weights are cached.

    Args:
        network: as `efficientnet_lite0.build` returns it.
        path: the file in the package, or a copy of it.

    Raises:
        GreycardError: the file cannot be read, or is not the published one.
    """
    content = _expected_content(path)
    shapes = [tuple(weight.shape) for weight in network.weights]
    sizes = [math.prod(shape) for shape in shapes]
    flat, _, _ = cached_array(
        "weights",
        hashlib.sha256(f"{LITE0.digest} {_VERSION}".encode()).hexdigest(),
        shape=(sum(sizes),),
        dtype="float32",
        about=f"{LITE0.name}'s weights",
        fill=lambda array: _fill(array, convert(network, read_tensors(content))),
    )
    parts = np.split(flat, np.cumsum(sizes)[:-1])
    network.set_weights([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])


def _expected_content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, str(error.strerror)) from error
    received = hashlib.sha256(content).hexdigest()
    if received != LITE0.digest:
        raise _damaged(path, f"expected SHA-256 {LITE0.digest}, received {received}")
    return content


def _damaged(path: Path, reason: str) -> GreycardError:
    return GreycardError(f"the weights of {LITE0.name} in {path} cannot be used: {reason}", hint=reinstall())


def _fill(array: np.ndarray, parts: Sequence[np.ndarray]) -> dict[str, Any]:
    np.concatenate([part.ravel() for part in parts], out=array)
    return {}


def convert(network: keras.Model, tensors: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The tensors of the PyTorch file in the order and the layout of `network.weights`, float32.

    Raises:
        ValueError: a tensor is missing, has another shape, or is not used.
    """
    left = dict(tensors)
    arrays = []
    for layer in network.layers:
        for weight in layer.weights:
            name = f"{_source(layer.name)}.{_FIELDS[weight.name]}"
            array = _as_keras(left.pop(name, np.empty(0)), layer)
            if array.shape != tuple(weight.shape):
                raise ValueError(f"{name} has shape {array.shape}; expected {tuple(weight.shape)}")
            arrays.append(array)
    unused = [name for name in left if not name.endswith(_NOT_LOADED)]
    if unused:
        raise ValueError(f"tensors without a layer: {', '.join(unused)}")
    return arrays


def _source(layer: str) -> str:
    """`block3_expand_bn` is `_blocks.3._bn0` in the file, `stem_conv` is `_conv_stem`."""
    block, _, part = layer.partition("_")
    if not block.startswith("block"):
        return _SOURCES[layer]
    return f"_blocks.{block.removeprefix('block')}.{_SOURCES[part]}"


def _as_keras(array: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """From (output, input, height, width) to Keras's order of axes, which differs for a depthwise kernel."""
    if array.ndim == 4:
        array = array.transpose((2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0))
    return np.ascontiguousarray(array, np.float32)
