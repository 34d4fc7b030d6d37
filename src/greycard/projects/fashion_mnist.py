"""Fashion-MNIST: 70,000 images of clothes, a harder replacement for MNIST."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.projects import mnist
from greycard.recipe import Recipe


def fashion_mnist_dnn() -> Recipe:
    """Two dense layers classify ten kinds of clothes.

    Teaches a first classifier (flatten, dense, softmax) and overfitting: training accuracy rises above validation.
    """
    return mnist.mnist_dnn().replace(name="fashion-mnist-dnn", dataset="fashion-mnist")


def fashion_mnist_cnn() -> Recipe:
    """The same images with two convolutions.

    Teaches that convolutions improve accuracy, and that 50 epochs still overfit: 99.6 % training, 90.8 % validation.
    """
    return mnist.mnist_cnn().replace(name="fashion-mnist-cnn", dataset="fashion-mnist")


PUBLISHED = {
    "fashion-mnist-dnn": Published(60_000, 10_000, 50, 0.976, 0.89, 4, mnist.NOTE),
    "fashion-mnist-cnn": Published(60_000, 10_000, 50, 0.996, 0.9081, 5, mnist.NOTE),
}
