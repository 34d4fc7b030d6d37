"""A model's forward pass in training on PyTorch, without copies of the images between two memory layouts.

Keras has channels last, and PyTorch computes so if the strides say it. But Keras's convolutions and poolings first copy
their input to channels first, and its convolutions copy it back: a third of the time of a small CNN (docs/log.md).
"""

from __future__ import annotations

from typing import Any

import keras
import torch
from keras import layers, ops
from torch.nn import functional

from greycard.backend.graph import Call, Graph, of_one
from greycard.backend.layer_settings import PRECISIONS, has_settings, is_batch_norm

_CONV = {
    "groups": 1,
    "data_format": "channels_last",
    "activity_regularizer": None,
    "autocast": True,
    "lora_enabled": False,
}
_DENSE = {"activity_regularizer": None, "autocast": True, "lora_enabled": False, "quantization_mode": None}
_POOL = {"padding": "valid", "data_format": "channels_last", "activity_regularizer": None}


def forward(model: keras.Model) -> Call:
    """A function that computes `model(x, training=True)`; x (b, height, width, channels) or of any other shape."""
    graph = Graph.of(model)
    if graph is None:
        return lambda x: model(x, training=True)
    found = {node.operation: _operation(node.operation) for node in graph.free}
    faster = {layer: of_one(operation) for layer, operation in found.items() if operation}
    return lambda x: graph.run(x, faster)


def _operation(layer: keras.Layer) -> Call | None:
    """What computes the same as this layer, if anything does."""
    if layer.dtype_policy.name not in PRECISIONS:
        return None
    if type(layer) is layers.Conv2D and has_settings(layer, _CONV) and _is_symmetric(layer):
        return _convolution(layer)
    if type(layer) is layers.MaxPooling2D and has_settings(layer, _POOL):
        return lambda x: _last(functional.max_pool2d(_first(x), layer.pool_size, layer.strides))
    if type(layer) is layers.Dense and has_settings(layer, _DENSE):
        return _dense(layer)
    return _batch_norm(layer) if is_batch_norm(layer) else None


def _is_symmetric(layer: keras.Layer) -> bool:
    """True if the same number of pixels is added on both sides."""
    odd = all(side % 2 for side in layer.kernel_size)
    return layer.padding == "valid" or (layer.padding == "same" and odd and tuple(layer.strides) == (1, 1))


def _convolution(layer: keras.Layer) -> Call:
    def call(x: Any) -> Any:
        dtype = layer.compute_dtype
        kernel = ops.cast(layer.kernel, dtype).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
        bias = ops.cast(layer.bias, dtype) if layer.use_bias else None
        settings = {"stride": layer.strides, "padding": layer.padding, "dilation": layer.dilation_rate}
        result = functional.conv2d(_first(ops.cast(x, dtype)), kernel, bias, **settings)
        return layer.activation(_last(result)) if layer.activation else _last(result)

    return call


def _dense(layer: keras.Layer) -> Call:
    def call(x: Any) -> Any:
        dtype = layer.compute_dtype
        bias = ops.cast(layer.bias, dtype) if layer.use_bias else None
        result = functional.linear(ops.cast(x, dtype), ops.cast(layer.kernel, dtype).t(), bias)
        return layer.activation(result) if layer.activation else result

    return call


def _batch_norm(layer: keras.Layer) -> Call:
    """In one pass, with sums in float32, and with Keras's update of the moving statistics."""

    def call(x: Any) -> Any:
        scale, offset = layer.gamma.value, layer.beta.value
        x = _first(ops.cast(x, layer.compute_dtype))
        result, mean, inverse = torch.native_batch_norm(x, scale, offset, None, None, True, 0.0, layer.epsilon)
        with torch.no_grad():
            for moving, found in (
                (layer.moving_mean, mean),
                (layer.moving_variance, inverse.double() ** -2 - layer.epsilon),
            ):
                moving.assign(moving * layer.momentum + found.float() * (1.0 - layer.momentum))
        return _last(result)

    return call


def _first(x: Any) -> Any:
    """(b, height, width, channels) as PyTorch's functions name it; the memory stays as it is."""
    return x.permute(0, 3, 1, 2)


def _last(x: Any) -> Any:
    return x.permute(0, 2, 3, 1)
