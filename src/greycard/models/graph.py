"""The graph of a Keras model: the inputs and outputs of each operation.

Keras's `layer.input` is from the first graph in which the layer was called. These functions use the model's graph.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import Operation

from greycard.core.errors import GreycardError


def functional(network: keras.Model) -> keras.Model | None:
    """The model as a functional model; None for a subclassed model, which has no graph."""
    if not isinstance(network, keras.Sequential):
        return network if hasattr(network, "operations") else None
    return keras.Model(network.inputs, network.outputs, name=network.name) if network.built else None


def operation(network: keras.Model, name: str) -> Operation | None:
    """The operation with this name in the model's graph, without nested models; None if there is none."""
    return next((each for each in network.operations if each.name == name), None)


def inputs_of(network: keras.Model, of: Operation) -> list[keras.KerasTensor]:
    """The input tensors of an operation."""
    return list(_node(network, of).input_tensors)


def output_of(network: keras.Model, of: Operation) -> keras.KerasTensor:
    """The output tensor of an operation; the first, if there are several."""
    return _node(network, of).output_tensors[0]


def producer(tensor: keras.KerasTensor) -> Operation:
    """The operation that computes this tensor."""
    return tensor._keras_history.operation


def upstream(network: keras.Model, of: Operation) -> list[Operation]:
    """An operation and everything it depends on, in the model's order."""
    found: dict[int, Operation] = {}
    waiting = [of]
    while waiting:
        current = waiting.pop()
        if id(current) not in found:
            found[id(current)] = current
            waiting += [producer(tensor) for tensor in inputs_of(network, current)]
    return [each for each in network.operations if id(each) in found]


def rank(tensor: keras.KerasTensor) -> int:
    """Number of axes, including the batch: 4 for a feature map, 2 for a vector."""
    return len(tensor.shape)


def _node(network: keras.Model, of: Operation) -> Any:
    nodes = [node for level in network._nodes_by_depth.values() for node in level if node.operation is of]
    if len(nodes) != 1:
        raise GreycardError(
            f"layer {of.name!r} is used {len(nodes)} times in the model; expected once",
            hint="use a separate layer in each place",
        )
    return nodes[0]
