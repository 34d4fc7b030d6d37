"""The recipe for training from scratch: the residual network, sized by the images and the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from greycard.pipeline.augmentation import Augmentation
from greycard.recipe.model import ResNetConfig
from greycard.recipe.prediction import PredictionConfig
from greycard.training.image_kind import ImageKind

SMALL_PIXELS = 48
"""Up to this short side in pixels, images keep their size and the first convolution sees every pixel."""

PHOTO_PIXELS = (112, 64)
"""Sizes for larger images: the first at which the time is enough for `_MOST_EPOCHS`."""

RATES = {"bfloat16": 170e9, "float32": 90e9}
"""Operations per second of training on two cores, by precision: about 0.6 times those of two quiet Zen 4 cores with a
network of width 16 (docs/log.md), because other machines are slower."""

_TIME_SHARE = 0.8
"""The planned epochs take this fraction of the time: the rest is for decoding, validation, and a slower machine."""

_LEAST_EPOCHS, _MOST_EPOCHS = 5, 100

_BATCHES = ((10_000, 128), (1_000, 64), (0, 32))
"""From this number of training images on, so many per step."""

CROPS = (0.35, 1.0)
"""The share of a photograph's area that a random crop keeps in training."""

CENTER_CROP = 0.8
"""The middle part that is seen in prediction, after such crops in training: their side is 0.81 on average, so
subjects look as large in prediction as in training."""

_RATE_OF_AN_IMAGE = 0.1 / 128
"""The highest learning rate, for each image of a batch."""

_RATE_OF_NUMBERS = 1 / 3
"""Of this rate for a regression: squared errors have larger gradients than cross-entropy."""


@dataclass(frozen=True)
class Plan:
    """What is trained, and for how long.

    Attributes:
        pixels: the images' side.
        model: the network.
        epochs: of the whole schedule.
        augmentation: of the training images; None for numbers that it could change.
        numbers: True if numbers are learned and not classes.
    """

    pixels: int
    model: ResNetConfig
    epochs: int
    augmentation: Augmentation | None
    numbers: bool = False

    def settings(self, images: int) -> dict[str, Any]:
        """The fields of a recipe for so many training images."""
        batch = next(batch for least, batch in _BATCHES if images >= least)
        return {
            "model": self.model,
            "augmentation": self.augmentation,
            "prediction": prediction_for(self.augmentation),
            "image_size": self.pixels,
            "epochs": self.epochs,
            "batch_size": batch,
            "optimizer.kind": "sgd",
            "learning_rate": batch * _RATE_OF_AN_IMAGE * (_RATE_OF_NUMBERS if self.numbers else 1),
            "momentum": 0.9,
            "nesterov": True,
            "weight_decay": 0.005,
            "label_smoothing": 0.0 if self.numbers else 0.1,
            "schedule.kind": "onecycle",
            "warmup": 0.25,
            "anneal": "linear",
            "patience": None,
        }


def plan(images: int, kind: ImageKind, minutes: float, precision: str) -> Plan:
    """The plan for a dataset.

    Args:
        images: number of training images.
        kind: the kind of the images.
        minutes: the time for training.
        precision: of training, bfloat16 or float32, which decides the speed.
    """
    channels = 1 if kind.grey else 3
    allowed = _TIME_SHARE * 60 * minutes * RATES[precision] / images
    for pixels in _sizes(kind):
        model = _network(pixels, kind)
        epochs = int(allowed / operations(model, pixels, channels))
        if epochs >= _MOST_EPOCHS:
            break
    return Plan(pixels, model, min(max(epochs, _LEAST_EPOCHS), _MOST_EPOCHS), augmentation_for(kind), kind.numbers)


def _sizes(kind: ImageKind) -> tuple[int, ...]:
    """From large to small; images are not enlarged, except the very smallest."""
    if kind.side <= SMALL_PIXELS:
        return (max(kind.side, 12),)
    return tuple(side for side in PHOTO_PIXELS if side <= kind.side) or (kind.side,)


def _network(pixels: int, kind: ImageKind) -> ResNetConfig:
    """Narrow, so that the time is enough for many epochs: a network twice as wide was worse at equal time."""
    if kind.side > SMALL_PIXELS:
        return ResNetConfig(width=16, blocks=(1, 1, 1), stem_stride=2)
    return ResNetConfig(width=16, blocks=(1, 0, 1) if pixels >= 16 else (1, 1))


def operations(model: ResNetConfig, pixels: int, channels: int) -> float:
    """About how many operations the training step takes for each image: three times the forward pass."""
    side, width = -(-pixels // model.stem_stride), model.width
    products = channels * width * side**2
    for blocks in model.blocks:
        products += 2 * width**2 * side**2
        side, width = side // 2, 2 * width
        products += 2 * blocks * width**2 * side**2
    return 3 * 2 * 9 * products


def prediction_for(augmentation: Augmentation | None) -> PredictionConfig:
    """What suits the training: the mirror image is seen in prediction, too, and the middle after random crops."""
    if augmentation is None:
        return PredictionConfig()
    views = "flip" if augmentation.horizontal_flip else None
    return PredictionConfig(views=views, center_crop=CENTER_CROP if augmentation.crop_scale else 1.0)


def augmentation_for(kind: ImageKind) -> Augmentation | None:
    """Augmentation that does not change the class: mirroring only if a mirrored image still shows its class.

    Drawings fill their frame and are upright, so they are moved, turned and scaled little. A number may measure a
    size, a place or a direction, so only the light of colour images changes.
    """
    if kind.numbers:
        return None if kind.grey else Augmentation(brightness_range=(0.8, 1.2), contrast_range=(0.8, 1.2))
    if kind.drawn:
        return Augmentation(
            rotation_range=5, zoom_range=0.05, crop_padding=max(1, min(kind.side, PHOTO_PIXELS[0]) // 14)
        )
    if kind.side <= SMALL_PIXELS:
        return Augmentation(crop_padding=max(1, kind.side // 8), horizontal_flip=kind.mirrored)
    light: dict[str, Any] = {} if kind.grey else {"saturation_range": (0.7, 1.3)}
    return Augmentation(
        crop_scale=CROPS,
        brightness_range=(0.7, 1.3),
        contrast_range=(0.7, 1.3),
        horizontal_flip=kind.mirrored,
        **light,
    )
