"""Strangeness: how far an image's features are from those of the training images, as two dense layers.

Every export format has dense layers, a sum, and the largest numbers of a row, so all of them answer the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

NAME = "strangeness"
"""The name of the model's second output."""

_SMALLEST = 1e-12


@dataclass(frozen=True)
class Strangeness:
    """The distance from a feature vector to its k-th nearest training image, both scaled to length 1: 0 to 2.

    Attributes:
        projection: float32 (features, m), from a feature vector of length 1 to its principal components.
        projection_bias: float32 (m,).
        distances: float32 (m, images), from principal components to squared distances.
        distances_bias: float32 (images,).
        neighbours: k.
    """

    projection: np.ndarray
    projection_bias: np.ndarray
    distances: np.ndarray
    distances_bias: np.ndarray
    neighbours: int

    @property
    def images(self) -> int:
        """Number of training images that it compares with."""
        return len(self.distances_bias)

    def squared(self, features: np.ndarray) -> np.ndarray:
        """The squared distances from feature vectors (n, features) to all its training images, float64 (n, images)."""
        components = unit_length(features) @ self.projection.astype(np.float64) + self.projection_bias
        return components @ self.distances.astype(np.float64) + self.distances_bias

    def of(self, features: np.ndarray) -> np.ndarray:
        """The strangeness of feature vectors (n, features), float64 (n,)."""
        return kth_nearest(self.squared(features), self.neighbours)

    def model(self) -> keras.Model:
        """The same as a Keras model: float32 (b, features) to strangeness, float32 (b, 1).

        Its name is in the names of all its operations, so a converter to integers can leave them in floating point.
        """
        from keras import Input, Model, ops

        features = Input((len(self.projection),), dtype="float32", name="features")
        length = ops.maximum(ops.sum(ops.square(features), axis=1, keepdims=True), _SMALLEST)
        components = _dense("components", features * ops.rsqrt(length), self.projection, self.projection_bias)
        squared = _dense("distances", components, self.distances, self.distances_bias)
        nearest = ops.negative(ops.top_k(ops.negative(squared), self.neighbours)[0])
        kth = ops.max(nearest, axis=1, keepdims=True)
        return Model(features, ops.sqrt(ops.maximum(kth, 0.0)), name=NAME)


def unit_length(features: np.ndarray) -> np.ndarray:
    """Feature vectors (n, features) divided by their lengths, float64; zeros stay zeros."""
    given = features.astype(np.float64)
    return given / np.sqrt(np.maximum(np.sum(given**2, axis=1, keepdims=True), _SMALLEST))


def kth_nearest(squared: np.ndarray, neighbours: int) -> np.ndarray:
    """The k-th smallest distance of each row of squared distances (n, images), float64 (n,); at most the largest."""
    place = min(neighbours, squared.shape[1]) - 1
    return np.sqrt(np.maximum(np.partition(squared, place, axis=1)[:, place], 0.0))


def _dense(name: str, given: keras.KerasTensor, kernel: np.ndarray, bias: np.ndarray) -> keras.KerasTensor:
    from keras import layers

    layer = layers.Dense(len(bias), name=name, dtype="float32")
    output = layer(given)
    layer.set_weights([kernel, bias])
    return output
