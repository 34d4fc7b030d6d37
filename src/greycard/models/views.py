"""Test-time augmentation: a model that computes several versions of each image and averages their logits.

The versions are more rows of the batch, so every layer of the network occurs once and keeps its name. The mean of the
head's inputs has the mean of the logits, because the head is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import layers, ops

from greycard.models.graph import producer
from greycard.models.model import Model
from greycard.recipe.prediction import PredictionConfig

_SHOWN = 7 / 8
"""The side of the enlarged part of `crops`, as a fraction of the image's side."""


@dataclass(frozen=True)
class View:
    """One version of an image.

    Attributes:
        name: part of the key of cached features.
        transform: uint8 pixels (b, height, width, channels) to as many of this version; tensors of a graph, or arrays.
    """

    name: str
    transform: Callable[[keras.KerasTensor], keras.KerasTensor]

    def of(self, images: np.ndarray) -> np.ndarray:
        """This version of images: uint8 (n, height, width, channels)."""
        return images if self is WHOLE else np.asarray(ops.convert_to_numpy(self.transform(images)))


def _mirrored(pixels: keras.KerasTensor) -> keras.KerasTensor:
    return ops.flip(pixels, axis=2)


def _enlarged(pixels: keras.KerasTensor, part: float = _SHOWN) -> keras.KerasTensor:
    """The middle of the image at the size of the whole."""
    size = pixels.shape[1:3]
    top, left, height, width = middle_of(size[0], size[1], part)
    middle = ops.cast(pixels[:, top : top + height, left : left + width], "float32")
    return ops.cast(ops.round(ops.image.resize(middle, size, interpolation="bilinear")), "uint8")


def middle_of(height: int, width: int, part: float) -> tuple[int, int, int, int]:
    """The top, left, height and width of the middle part of an image, in pixels; `part` is a fraction of its side."""
    rows, columns = (max(1, round(side * part)) for side in (height, width))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


WHOLE = View("whole", lambda pixels: pixels)
_FLIP = (WHOLE, View("mirrored", _mirrored))
_CROPS = (View("enlarged", _enlarged), View("enlarged, mirrored", lambda pixels: _mirrored(_enlarged(pixels))))

_VIEWS: dict[str | None, tuple[View, ...]] = {None: (WHOLE,), "flip": _FLIP, "crops": (*_FLIP, *_CROPS)}
"""The versions of each image by `prediction.views`; the whole image comes first."""


def views_of(prediction: PredictionConfig) -> tuple[View, ...]:
    """The versions of each image: of the whole, or of its middle part. The first one is not mirrored.

    Source of `center_crop`: Touvron et al., "Fixing the train-test resolution discrepancy" (2019).
    """
    part, views = prediction.center_crop, _VIEWS[prediction.views]
    return views if part == 1 else tuple(_of_the_middle(view, part) for view in views)


def _of_the_middle(view: View, part: float) -> View:
    return View(f"{view.name}, of the middle {part:g}", lambda pixels: view.transform(_enlarged(pixels, part)))


def with_views(model: Model, views: Sequence[View]) -> Model:
    """The same layers in a model that averages the logits of several versions of each image.

    Args:
        model: takes uint8 images; it does not change.
        views: the versions; the whole image alone returns the model itself.
    """
    if tuple(views) == (WHOLE,):
        return model
    network = model.network
    pixels = keras.Input(network.inputs[0].shape[1:], dtype="uint8", name="pixels")
    versions = layers.Concatenate(axis=0, name="views")([view.transform(pixels) for view in views])
    output = _averaged(model, network.inputs[0], versions, len(views))
    return replace(model, network=keras.Model(pixels, output, name=network.name), views=producer(versions))


def head_of_views(model: Model, begin: keras.KerasTensor, views: int) -> keras.Model:
    """The layers from a tensor on: float32 (b, views, …) to the outputs that `with_views` computes.

    Args:
        model: it does not change.
        begin: a tensor of its graph, such as the feature vector.
        views: number of versions of each image.
    """
    features = keras.Input((views, *begin.shape[1:]), name="features_of_views")
    versions = ops.concatenate([features[:, view] for view in range(views)], axis=0)
    return keras.Model(features, _averaged(model, begin, versions, views), name="head_of_views")


def _averaged(model: Model, begin: keras.KerasTensor, versions: keras.KerasTensor, count: int) -> keras.KerasTensor:
    """The output for the mean of the head's inputs.

    Args:
        model: its layers are used.
        begin: a tensor of the model's graph.
        versions: what to compute in its place, (count × b, …).
        count: number of versions of each image.
    """
    vectors = between(begin, model.head_input, versions)
    mean = ops.mean(ops.reshape(vectors, (count, -1, vectors.shape[-1])), axis=0)
    return between(model.head_input, model.network.outputs[0], mean)


def between(begin: keras.KerasTensor, end: keras.KerasTensor, given: keras.KerasTensor) -> keras.KerasTensor:
    """The layers between two tensors of a graph, applied to another tensor; each becomes a layer of the new graph."""
    return given if begin is end else keras.tree.flatten(keras.Model(begin, end).call(given))[0]
