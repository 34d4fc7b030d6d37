"""Build a pretrained network by name: one of `keras.applications`, or EfficientNet-Lite0, which Keras does not have."""

from __future__ import annotations

from typing import Any

import keras

from greycard.core.errors import GreycardError
from greycard.models import efficientnet_lite0
from greycard.models.imagenet import Pretrained


def build_application(network: Pretrained, input_shape: tuple[int, int, int], alpha: float | None) -> keras.Model:
    """The network without its top and with random weights; its input is preprocessed.

    Args:
        network: its entry in the table.
        input_shape: (height, width, 3).
        alpha: the width multiplier of the MobileNet family; None for the network's own default.

    Raises:
        GreycardError: the images are not RGB, or the network does not support the size or a width.
    """
    if input_shape[2] != 3:
        raise GreycardError(
            f"{network.name} takes RGB images; received channels={input_shape[2]}", hint="--set channels=3"
        )
    options: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    try:
        if network.package:
            return efficientnet_lite0.build(input_shape, **options)
        build = getattr(keras.applications, network.name)
        return build(include_top=False, weights=None, input_shape=input_shape, **options)
    except (ValueError, TypeError) as error:
        raise GreycardError(
            f"{network.name} cannot be built for this recipe: {error}",
            hint="use another image_size or backbone_alpha",
        ) from error


def preprocess_input(network: Pretrained, pixels: Any) -> Any:
    """Apply the network's own preprocessing to float32 RGB pixels (b, height, width, 3) from 0 to 255.

    Some networks of Keras change the array in place.
    """
    if network.package:
        return efficientnet_lite0.preprocess_input(pixels)
    return getattr(keras.applications, network.module).preprocess_input(pixels, data_format="channels_last")
