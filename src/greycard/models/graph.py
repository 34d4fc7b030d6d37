"""The graph of a Keras model: what each of its operations is given and what it makes.

`layer.input` is of the first graph that a layer was ever called in; here it is that of the model which is asked.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import Operation

from greycard.core.errors import GreycardError


def functional(network: keras.Model) -> keras.Model | None:
    """The model if it has a graph, a sequential model's layers as a model with one; None for a subclassed model."""
    if not isinstance(network, keras.Sequential):
        return network if hasattr(network, "operations") else None
    return keras.Model(network.inputs, network.outputs, name=network.name) if network.built else None


def operation(network: keras.Model, name: str) -> Operation | None:
    """The operation of that name in a model's own graph, not within a model nested in it; None if there is none."""
    return next((each for each in network.operations if each.name == name), None)


def inputs_of(network: keras.Model, of: Operation) -> list[keras.KerasTensor]:
    """The tensors that an operation is given."""
    return list(_node(network, of).input_tensors)


def output_of(network: keras.Model, of: Operation) -> keras.KerasTensor:
    """The tensor that an operation makes, the first of several."""
    return _node(network, of).output_tensors[0]


def producer(tensor: keras.KerasTensor) -> Operation:
    """The operation that makes a tensor."""
    return tensor._keras_history.operation


def upstream(network: keras.Model, of: Operation) -> list[Operation]:
    """An operation and all that it depends on, in the order of the model's operations."""
    found: dict[int, Operation] = {}
    waiting = [of]
    while waiting:
        current = waiting.pop()
        if id(current) not in found:
            found[id(current)] = current
            waiting += [producer(tensor) for tensor in inputs_of(network, current)]
    return [each for each in network.operations if id(each) in found]


def rank(tensor: keras.KerasTensor) -> int:
    """The number of its axes, the batch's included: 4 for a feature map, 2 for a vector."""
    return len(tensor.shape)


def _node(network: keras.Model, of: Operation) -> Any:
    nodes = [node for level in network._nodes_by_depth.values() for node in level if node.operation is of]
    if len(nodes) != 1:
        raise GreycardError(
            f"layer {of.name!r} is used {len(nodes)} times in the model; expected once",
            hint="use a separate layer in each place",
        )
    return nodes[0]
