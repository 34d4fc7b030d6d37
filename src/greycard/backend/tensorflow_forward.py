"""A model's forward pass in training, with faster operations where they compute the same as its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras.src.models.functional import Functional
from keras.src.ops.node import Node

from greycard.backend import tensorflow_conv, tensorflow_conv_pool, tensorflow_norm, tensorflow_pool
from greycard.backend.choices import Shape, Ways

Call = Callable[..., Any]


def forward(model: keras.Model, ways: Ways) -> Call:
    """A function that computes `model(x, training=True)`.

    Layers that `tensorflow_conv_pool`, `tensorflow_conv`, `tensorflow_pool` or `tensorflow_norm` match become their
    operations, computed in these ways. All other layers are called as the model connects them. A model that does more
    than that is called unchanged.
    """
    graph = _graph(model)
    if graph is None:
        return lambda x: model(x, training=True)
    faster = _faster(graph, ways)

    def call(x: Any) -> Any:
        outputs = graph._run_through_graph([x], lambda operation: faster.get(operation) or _unchanged(operation))
        return outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs

    return call


def _graph(model: keras.Model) -> Functional | None:
    """The model's graph if calling the model does no more than to run through it."""
    inner = model._functional if type(model) is keras.Sequential else model
    return inner if isinstance(inner, Functional) and type(inner).call is Functional.call else None


def shapes(model: keras.Model, dtype: str) -> Iterator[tuple[Shape, Sequence[str]]]:
    """The operations of `forward` that have several ways, with these, when the model is trained in this precision."""
    graph = _graph(model)
    if graph is None:
        return
    nodes, free = _free(graph)
    pairs = dict(_pairs(free, nodes))
    pooled = set(pairs.values())
    for layer in (node.operation for node in free):
        if layer in pairs or tensorflow_conv.matches(layer):
            operation = tensorflow_conv_pool if layer in pairs else tensorflow_conv
            shape = tensorflow_conv.shape_of(operation.OPERATION, layer.input, layer.kernel, dtype)
            yield shape, operation.ways_of(shape)
        elif tensorflow_pool.matches(layer) and layer not in pooled:
            shape = Shape.of_images(tensorflow_pool.OPERATION, layer.input.shape, dtype)
            yield shape, tensorflow_pool.ways_of(shape)


def _faster(graph: Functional, ways: Ways) -> dict[Any, Call]:
    """The faster operation of each layer that has one."""
    nodes, free = _free(graph)
    faster: dict[Any, Call] = {}
    for conv, pool in _pairs(free, nodes):
        faster |= {conv: _same, pool: _of_one(tensorflow_conv_pool.fused(conv, ways))}
    for layer in (node.operation for node in free):
        operation = None if layer in faster else _operation(layer, ways)
        faster |= {layer: _of_one(operation)} if operation else {}
    return faster


def _free(graph: Functional) -> tuple[list[Node], list[Node]]:
    """All nodes, and those whose layer another operation can stand in for."""
    nodes = _nodes(graph)
    return nodes, [node for node in nodes if _is_free(node, nodes, graph)]


def _nodes(graph: Functional) -> list[Node]:
    """From input to output."""
    by_depth = sorted(graph._nodes_by_depth.items(), reverse=True)
    return [node for _, nodes in by_depth for node in nodes if not node.is_input]


def _is_free(node: Node, nodes: Sequence[Node], graph: Functional) -> bool:
    """True if another operation can stand in for this layer.

    The result then has the precision of the layers before it, so every layer that takes it must cast it to its own. And
    the layer must be called once, without arguments.
    """
    result, users = node.outputs[0], _users(node, nodes)
    return (
        isinstance(node.operation, keras.Layer)
        and sum(other.operation is node.operation for other in nodes) == 1
        and not _has_arguments(node)
        and all(result is not output for output in graph.outputs)
        and all(getattr(user.operation, "autocast", False) for user in users)
    )


def _users(node: Node, nodes: Sequence[Node]) -> list[Node]:
    return [other for other in nodes if any(tensor is node.outputs[0] for tensor in other.input_tensors)]


def _has_arguments(node: Node) -> bool:
    """True if the layer is given more than its input and `training`."""
    arguments = node.arguments
    named = {name for name, value in arguments.kwargs.items() if value is not None}
    return len(arguments.args) > 1 or bool(named - {"training"})


def _pairs(free: Sequence[Node], nodes: Sequence[Node]) -> Iterator[tuple[keras.Layer, keras.Layer]]:
    """Each convolution with the pooling that alone takes its result, where both become one operation."""
    for conv in free:
        users = _users(conv, nodes)
        if len(users) == 1 and users[0] in free and tensorflow_conv_pool.matches(conv.operation, users[0].operation):
            yield conv.operation, users[0].operation


def _operation(layer: keras.Layer, ways: Ways) -> Call | None:
    """The faster operation of a single layer."""
    if tensorflow_conv.matches(layer):
        return tensorflow_conv.fused(layer, ways)
    if tensorflow_norm.norm_matches(layer):
        return tensorflow_norm.fused_norm(layer)
    if tensorflow_norm.relu_matches(layer):
        return tf.nn.relu
    if tensorflow_norm.add_matches(layer):
        return tensorflow_norm.add
    return tensorflow_pool.fused(layer, ways) if tensorflow_pool.matches(layer) else None


def _of_one(operation: Call) -> Call:
    """The operation as a layer is called; Keras also gives a mask, which is None."""
    return lambda x, **_: operation(x)


def _same(x: Any, **_: Any) -> Any:
    """In place of a convolution whose pooling does the work of both."""
    return x


def _unchanged(operation: Any) -> Call:
    if not isinstance(operation, keras.Layer):
        return operation
    return lambda *inputs, **arguments: operation(*inputs, **arguments | {"training": True})
