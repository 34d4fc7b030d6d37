"""Probes for 1 and for 10 minutes on two cores: frozen pretrained networks, and a logistic regression."""

from __future__ import annotations

from typing import Any

from greycard.recipe import Recipe

_FIRST, _SECOND = "EfficientNetLite0", "MobileNetV2"


def horses_humans_1() -> Recipe:
    """Each image once."""
    return _probe("horse-or-human", backbones=(_FIRST,))


def horses_humans_10() -> Recipe:
    """Two networks, and four versions of each image."""
    return _probe("horse-or-human", backbones=(_FIRST, _SECOND), views="crops")


def cats_dogs_1() -> Recipe:
    """Each image once."""
    return _probe("cats-and-dogs-filtered", backbones=(_FIRST,))


def cats_dogs_10() -> Recipe:
    """Two networks, and four versions of each image."""
    return _probe("cats-and-dogs-filtered", backbones=(_FIRST, _SECOND), views="crops")


def _probe(dataset: str, **fields: Any) -> Recipe:
    return Recipe.make(f"{dataset}-probe", dataset, image_size=224, val_batch_size=64, **fields)
