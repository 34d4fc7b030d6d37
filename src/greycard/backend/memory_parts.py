"""How many images of a batch are computed at once, so that the outputs of the layers do not fill the memory.

The gradient of a batch is the mean of its images' gradients. So a batch may be computed in equal parts, one after the
other, whose gradients are added up: a part needs a fraction of the memory, and the same operations are computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

BYTES = 128 << 20
"""The outputs of all layers for a part may take this much. Their gradients, and what is computed from them, take as
much again, or twice that."""

LEAST = 4
"""Fewer images at once are much slower."""


def part_size(model: keras.Model, batch_size: int, precision: str) -> int:
    """The number of images in each of the equal parts of a batch; the batch size if it is computed as a whole.

    Only a model of Keras's own layers is computed in parts, and only if none of them looks at other images of its
    batch, as batch norm does in training.

    Args:
        model: in training.
        batch_size: images of a whole batch.
        precision: float32 or bfloat16.
    """
    if not _sees_single_images(model):
        return batch_size
    most = images_that_fit(model, precision)
    sizes = [size for size in range(min(LEAST, batch_size), batch_size + 1) if batch_size % size == 0]
    return max((size for size in sizes if size <= most), default=sizes[0])


def images_that_fit(model: keras.Model, precision: str) -> int:
    """How many images fit: the outputs of all layers for them take at most `BYTES`, unless even `LEAST` take more."""
    an_image = (2 if precision == "bfloat16" else 4) * sum(_outputs(model))
    return max(LEAST, BYTES // max(an_image, 1))


def _sees_single_images(model: keras.Model) -> bool:
    return all(
        type(layer).__module__.startswith("keras.") and not (layer.trainable and layer.non_trainable_weights)
        for layer in model._flatten_layers(include_self=False)
        if not isinstance(layer, keras.Model)
    )


def _outputs(model: keras.Model) -> Iterator[int]:
    """The size of each layer's output for one image; a layer inside another layer has no output of its own."""
    for layer in model._flatten_layers(include_self=False):
        if not isinstance(layer, keras.Model) and layer._inbound_nodes:
            yield int(np.prod([side for side in layer.output.shape[1:] if side]))
