"""A model's forward pass in training, with faster operations where they compute the same as its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from greycard.backend import (
    tensorflow_conv,
    tensorflow_conv_pool,
    tensorflow_frozen,
    tensorflow_norm,
    tensorflow_pool,
)
from greycard.backend.choices import Shape, Ways
from greycard.backend.graph import Call, Graph, of_one
from greycard.backend.layer_settings import is_batch_norm


def forward(model: keras.Model, ways: Ways) -> Call:
    """A function that computes `model(x, training=True)`.

    Layers that `tensorflow_conv_pool`, `tensorflow_frozen`, `tensorflow_conv`, `tensorflow_pool` or `tensorflow_norm`
    match become their operations, computed in these ways. All other layers are called as the model connects them. A
    model that does more than that is called unchanged.
    """
    graph = Graph.of(model)
    if graph is None:
        return lambda x: model(x, training=True)
    faster = _faster(graph, ways)
    return lambda x: graph.run(x, faster)


def shapes(model: keras.Model, dtype: str) -> Iterator[tuple[Shape, Sequence[str]]]:
    """The operations of `forward` that have several ways, with these, when the model is trained in this precision."""
    graph = Graph.of(model)
    if graph is None:
        return
    pairs = dict(_pairs(graph, tensorflow_conv_pool.matches))
    pooled = set(pairs.values())
    for layer in (node.operation for node in graph.free):
        if layer in pairs or tensorflow_conv.matches(layer):
            operation = tensorflow_conv_pool if layer in pairs else tensorflow_conv
            shape = tensorflow_conv.shape_of(operation.OPERATION, layer.input, layer.kernel, dtype)
            yield shape, operation.ways_of(shape)
        elif tensorflow_pool.matches(layer) and layer not in pooled:
            shape = Shape.of_images(tensorflow_pool.OPERATION, layer.input.shape, dtype)
            yield shape, tensorflow_pool.ways_of(shape)


def _faster(graph: Graph, ways: Ways) -> dict[Any, Call]:
    """The faster operation of each layer that has one."""
    faster: dict[Any, Call] = {}
    for conv, pool in _pairs(graph, tensorflow_conv_pool.matches):
        faster |= {conv: _same, pool: of_one(tensorflow_conv_pool.fused(conv, ways))}
    for conv, norm in _pairs(graph, tensorflow_frozen.matches):
        faster |= {conv: _same, norm: of_one(tensorflow_frozen.fused(conv, norm, ways))}
    for layer in (node.operation for node in graph.free):
        operation = None if layer in faster else _operation(layer, ways)
        faster |= {layer: of_one(operation)} if operation else {}
    return faster


def _pairs(graph: Graph, matches: Callable[[Any, Any], bool]) -> Iterator[tuple[keras.Layer, keras.Layer]]:
    """Each layer with the one that alone takes its result, where both become one operation."""
    for node in graph.free:
        users = graph.users(node)
        if len(users) == 1 and users[0] in graph.free and matches(node.operation, users[0].operation):
            yield node.operation, users[0].operation


def _operation(layer: keras.Layer, ways: Ways) -> Call | None:
    """The faster operation of a single layer."""
    if tensorflow_conv.matches(layer):
        return tensorflow_conv.fused(layer, ways)
    if is_batch_norm(layer):
        return tensorflow_norm.fused_norm(layer)
    if tensorflow_norm.relu_matches(layer):
        return tf.nn.relu
    if tensorflow_norm.add_matches(layer):
        return tensorflow_norm.add
    return tensorflow_pool.fused(layer, ways) if tensorflow_pool.matches(layer) else None


def _same(x: Any, **_: Any) -> Any:
    """In place of a convolution whose pooling does the work of both."""
    return x
