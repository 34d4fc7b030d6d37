"""A Keras model with the names of its parts: preprocessing, feature layer, feature vector, head.

Grad-CAM, transfer, frozen features, calibration and every export ask this statement. A family's builder makes it, a
run keeps it in `model.json` beside `model.keras`, and `stated.py` works it out for a user's model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import Operation, layers

from greycard.core.errors import GreycardError
from greycard.models.graph import inputs_of, operation, output_of, rank

_PARTS = ("preprocessing", "feature_layer", "features", "head", "views")

Weights = tuple[Path | None, ...]
"""The weights file of each pretrained network of a recipe; None for random weights, or for an earlier run."""


@dataclass(frozen=True)
class Body:
    """The result of a family's builder: everything between the input and the head.

    Attributes:
        vector: the input of the head, float (b, units).
        preprocessing: as in `Model`.
        feature_layer: as in `Model`.
        features: as in `Model`.
    """

    vector: keras.KerasTensor
    preprocessing: Operation | None = None
    feature_layer: Operation | None = None
    features: Operation | None = None


@dataclass(frozen=True)
class Model:
    """A Keras model and its parts; each part is an operation of the model's own graph.

    Attributes:
        network: the full model; its input is uint8 (b, height, width, channels), or float32 (b, features).
        preprocessing: scales the pixels for the next layer; None if no layer does.
        feature_layer: its output is the last feature map before pooling, (b, rows, columns, filters); None without one.
        features: its output is the feature vector, (b, features); None for data without images.
        head: the dense layer that computes the logits, including its activation.
        views: its output are the versions of each image, (views × b, height, width, channels), up to whose mean the
            model computes more rows than it gets images (`models/views.py`); None for a model of the image alone.
    """

    network: keras.Model
    preprocessing: Operation | None
    feature_layer: Operation | None
    features: Operation | None
    head: layers.Dense
    views: Operation | None = None

    @property
    def pixels(self) -> keras.KerasTensor:
        """The tensor that the network's own layers begin with: the input, or the versions of each image."""
        return self.network.inputs[0] if self.views is None else output_of(self.network, self.views)

    @property
    def feature_map(self) -> keras.KerasTensor | None:
        """The last feature map, a tensor (b, rows, columns, filters) of the network's graph."""
        return None if self.feature_layer is None else output_of(self.network, self.feature_layer)

    @property
    def vector(self) -> keras.KerasTensor | None:
        """The feature vector, a tensor (b, features) of the network's graph."""
        return None if self.features is None else output_of(self.network, self.features)

    @property
    def head_input(self) -> keras.KerasTensor:
        """The input tensor of the head, (b, units)."""
        return inputs_of(self.network, self.head)[0]

    @property
    def transferable(self) -> keras.KerasTensor | None:
        """The tensor for transfer learning: the feature map before pooling, or the last hidden vector, or None.

        A network without a feature map has learned its features in its dense layers.
        """
        if self.features is None or self.feature_layer is None:
            return None if self.features is None else self.head_input
        given = inputs_of(self.network, self.features)
        return given[0] if len(given) == 1 and rank(given[0]) == 4 else self.feature_map

    @property
    def is_frozen(self) -> bool:
        """True if there are weights before the feature vector, and none of them is trainable."""
        if self.vector is None:
            return False
        bottom = keras.Model(self.network.inputs, self.vector)
        return bool(bottom.weights) and not bottom.trainable_weights

    def to_json(self) -> dict[str, str | None]:
        """The name of each part's operation, or None."""
        return {name: part.name if (part := getattr(self, name)) else None for name in _PARTS}

    @classmethod
    def from_json(cls, network: keras.Model, names: Mapping[str, Any]) -> Model:
        """Find the parts that `to_json` wrote in the loaded network.

        Raises:
            GreycardError: a name is missing or is not an operation of the network, or the head is not dense.
        """
        parts = {name: _part(network, name, names.get(name)) for name in _PARTS}
        if not isinstance(parts["head"], layers.Dense):
            raise GreycardError(f"the model's head {names.get('head')!r} is not a dense layer", hint="train it again")
        return cls(network, **parts)


def _part(network: keras.Model, name: str, value: Any) -> Operation | None:
    found = operation(network, value) if isinstance(value, str) else None
    if value is not None and found is None:
        raise GreycardError(f"the model has no layer {value!r} for its {name}", hint="train it again")
    return found
