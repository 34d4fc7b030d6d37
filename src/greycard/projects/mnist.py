"""MNIST: 70,000 handwritten digits, 28×28 grey."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.recipe import Recipe

NOTE = "nicely centred 28×28 images"


def mnist_dnn() -> Recipe:
    """Two dense layers classify handwritten digits without knowing which pixels are neighbours.

    Teaches that a network without convolutions can reach 98 %, because the digits are centred.
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
    """Convolutions improve accuracy on handwritten digits.

    Teaches convolution and pooling: fewer weights than the dense network, and a third of its errors.
    """
    return mnist_dnn().replace(name="mnist-cnn", conv=(64, 64), dense=(512,))


PUBLISHED = {
    "mnist-dnn": Published(60_000, 10_000, 50, 0.998, 0.981, 4, NOTE),
    "mnist-cnn": Published(60_000, 10_000, 50, 0.9999, 0.9931, 5, NOTE),
}
