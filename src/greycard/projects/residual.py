"""The residual network from scratch, for 10 and for 60 minutes on two cores."""

from __future__ import annotations

from typing import Any

from greycard.recipe import Recipe


def fashion_mnist_10() -> Recipe:
    """A narrow network, because more epochs are worth more than more filters; clothes can be mirrored."""
    return _residual("fashion-mnist", width=16, epochs=16, horizontal_flip=True, views="flip")


def fashion_mnist_60() -> Recipe:
    """Twice as wide; squares are covered, so that it does not learn the images by heart."""
    return _residual("fashion-mnist", width=32, epochs=30, horizontal_flip=True, views="flip", cutout=0.25)


def mnist_10() -> Recipe:
    """A narrow network; digits are turned and scaled a little, and never mirrored."""
    return _residual("mnist", width=16, epochs=16, rotation_range=10, zoom_range=0.1)


def mnist_60() -> Recipe:
    """The same for twice as many epochs: a network twice as wide would have time for half as many."""
    return _residual("mnist", width=16, epochs=32, rotation_range=10, zoom_range=0.1)


def horses_humans_scratch() -> Recipe:
    """Horses and people fill the training images; in validation they are smaller, before a white wall.

    Crops make them larger still in training, so prediction enlarges the middle of each image: without it, small horses
    are called people. TrivialAugment changes colours until a background tells little.
    """
    changes = {"crop_scale": (0.35, 1.0), "trivial": True, "center_crop": 0.6}
    return _photographs("horse-or-human", image_size=64, epochs=40, **changes)


def cats_dogs_scratch() -> Recipe:
    """2,000 photographs are few: crops, colours and mixed images keep the network from learning them by heart."""
    colours = {"brightness_range": (0.6, 1.4), "contrast_range": (0.6, 1.4), "saturation_range": (0.5, 1.5)}
    more = {"crop_scale": (0.25, 1.0), "hue_range": 20, "cutmix": 1.0, "mixup": 0.2}
    return _photographs("cats-and-dogs-filtered", image_size=112, width=24, epochs=220, **colours, **more)


def _photographs(dataset: str, **changes: Any) -> Recipe:
    network = {"width": 16, "blocks": (1, 1, 1), "stem_stride": 2}
    sizes = {"channels": 3, "crop_padding": 0, "batch_size": 64, "val_batch_size": 100, "learning_rate": 0.05}
    return _residual(dataset, horizontal_flip=True, views="flip", **network | sizes | changes)


def _residual(dataset: str, **changes: Any) -> Recipe:
    schedule = {"schedule.kind": "onecycle", "warmup": 0.25, "anneal": "linear"}
    optimizer = {
        "optimizer.kind": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.005
    }  # fmt: skip
    images = {"image_size": 28, "channels": 1, "crop_padding": 2, "label_smoothing": 0.1}
    sizes = {"batch_size": 128, "val_batch_size": 500}
    base = Recipe.make(f"{dataset}-resnet", dataset, **{"model.kind": "resnet"} | schedule | optimizer | images | sizes)
    return base.replace(**changes)
