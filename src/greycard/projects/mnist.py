"""MNIST: 70,000 handwritten digits, 28×28 grey."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.recipe import Recipe

NOTE = "nicely centred 28×28 images"


def mnist_dnn() -> Recipe:
    """Two dense layers read handwriting, without being told that pixels have neighbours.

    Teaches what a network without any idea of images can do: 98 %, because the digits are centred.
    """
    return Recipe.make(
        name="mnist-dnn",
        dataset="mnist",
        image_size=(28, 28),
        channels=1,
        dense=(512, 512),
        optimizer="adam",
        batch_size=32,
        epochs=50,
    )


def mnist_cnn() -> Recipe:
    """Convolutions bring the last per cent on handwriting.

    Teaches convolution and pooling: fewer weights than the dense net in front, and two errors in three gone.
    """
    return mnist_dnn().replace(name="mnist-cnn", conv=(64, 64), dense=(512,))


PUBLISHED = {
    "mnist-dnn": Published(60_000, 10_000, 50, 0.998, 0.981, 4, NOTE),
    "mnist-cnn": Published(60_000, 10_000, 50, 0.9999, 0.9931, 5, NOTE),
}
