"""The residual network on the drawings of 28 px, for 10 and for 60 minutes on two cores."""

from __future__ import annotations

from typing import Any

from greycard.recipe import Recipe


def fashion_mnist_10() -> Recipe:
    """A narrow network, because more epochs are worth more than more filters; clothes can be mirrored."""
    return _residual("fashion-mnist", width=16, epochs=16, horizontal_flip=True, views="flip")


def fashion_mnist_60() -> Recipe:
    """Twice as wide; squares are covered, so that it does not learn the images by heart."""
    return _residual("fashion-mnist", width=32, epochs=42, horizontal_flip=True, views="flip", cutout=0.25)


def mnist_10() -> Recipe:
    """A narrow network; digits are turned and scaled a little, and never mirrored."""
    return _residual("mnist", width=16, epochs=16, rotation_range=10, zoom_range=0.1)


def mnist_60() -> Recipe:
    """Twice as wide, with the same augmentation."""
    return _residual("mnist", width=32, epochs=42, rotation_range=10, zoom_range=0.1)


def _residual(dataset: str, **changes: Any) -> Recipe:
    schedule = {"schedule.kind": "onecycle", "warmup": 0.25, "anneal": "linear"}
    optimizer = {
        "optimizer.kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.005
    }  # fmt: skip
    images = {"image_size": 28, "channels": 1, "crop_padding": 2, "label_smoothing": 0.1}
    sizes = {"batch_size": 128, "val_batch_size": 500}
    base = Recipe.make(f"{dataset}-resnet", dataset, **{"model.kind": "resnet"} | schedule | optimizer | images | sizes)
    return base.replace(**changes)
