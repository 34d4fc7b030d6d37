"""Fashion-MNIST: 70,000 images of clothes, made to be MNIST's harder twin."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.projects import mnist
from greycard.recipe import Recipe


def fashion_mnist_dnn() -> Recipe:
    """Two dense layers tell ten kinds of clothes apart.

    Teaches a first classifier: flatten, dense, softmax; and overfitting, as training accuracy leaves validation behind.
    """
    return mnist.mnist_dnn().replace(name="fashion-mnist-dnn", dataset="fashion-mnist")


def fashion_mnist_cnn() -> Recipe:
    """The same clothes through two convolutions.

    Teaches that convolutions raise the ceiling, and that 50 epochs still overfit: 99.6 % against 90.8 %.
    """
    return mnist.mnist_cnn().replace(name="fashion-mnist-cnn", dataset="fashion-mnist")


PUBLISHED = {
    "fashion-mnist-dnn": Published(60_000, 10_000, 50, 0.976, 0.89, 4, mnist.NOTE),
    "fashion-mnist-cnn": Published(60_000, 10_000, 50, 0.996, 0.9081, 5, mnist.NOTE),
}
