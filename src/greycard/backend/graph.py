"""A model's graph of layers, run with faster operations in place of some layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras.src.models.functional import Functional
from keras.src.ops.node import Node

Call = Callable[..., Any]


class Graph:
    """The layers of a model and how it connects them.

    Attributes:
        nodes: the calls of layers, from input to output.
        free: those whose layer another operation can stand in for.
    """

    def __init__(self, functional: Functional) -> None:
        self._functional = functional
        by_depth = sorted(functional._nodes_by_depth.items(), reverse=True)
        self.nodes: list[Node] = [node for _, nodes in by_depth for node in nodes if not node.is_input]
        self.free = [node for node in self.nodes if self._is_free(node)]

    @classmethod
    def of(cls, model: keras.Model) -> Graph | None:
        """None if calling the model does more than to run through its graph."""
        inner = model._functional if type(model) is keras.Sequential else model
        plain = isinstance(inner, Functional) and type(inner).call is Functional.call
        return cls(inner) if plain else None

    def users(self, node: Node) -> list[Node]:
        """The nodes that take this node's result."""
        return [other for other in self.nodes if any(tensor is node.outputs[0] for tensor in other.input_tensors)]

    def run(self, x: Any, faster: Mapping[Any, Call]) -> Any:
        """The model's output in training, with these operations in place of their layers."""
        outputs = self._functional._run_through_graph([x], lambda layer: faster.get(layer) or _in_training(layer))
        return outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs

    def _is_free(self, node: Node) -> bool:
        """True if another operation can stand in for this layer.

        The result then has the precision of the layers before it, so every layer that takes it must cast it to its own.
        And the layer must be called once, without arguments.
        """
        return (
            isinstance(node.operation, keras.Layer)
            and sum(other.operation is node.operation for other in self.nodes) == 1
            and not _has_arguments(node)
            and all(node.outputs[0] is not output for output in self._functional.outputs)
            and all(getattr(user.operation, "autocast", False) for user in self.users(node))
        )


def of_one(operation: Call) -> Call:
    """The operation as a layer is called; Keras also gives a mask, which is None."""
    return lambda x, **_: operation(x)


def _has_arguments(node: Node) -> bool:
    """True if the layer is given more than its input and `training`."""
    arguments = node.arguments
    named = {name for name, value in arguments.kwargs.items() if value is not None}
    return len(arguments.args) > 1 or bool(named - {"training"})


def _in_training(operation: Any) -> Call:
    if not isinstance(operation, keras.Layer):
        return operation
    return lambda *inputs, **arguments: operation(*inputs, **arguments | {"training": True})
