"""A network without its head, ready to compute feature vectors. Import this module after Keras has started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from keras import ops

from greycard.backend.inference import Engine, by_keras, fastest
from greycard.core.errors import GreycardError
from greycard.datasets.digests import file_digest
from greycard.deploy.sources import ImageLike, source_of
from greycard.embeddings.network import Network
from greycard.models.backbone import WeightsDoNotFitError
from greycard.models.dense import add_pooling
from greycard.models.graph import inputs_of
from greycard.models.inputs import image_input
from greycard.models.model import Model
from greycard.models.preferred import known
from greycard.models.pretrained import backbone_of
from greycard.models.weights import alpha_of
from greycard.pipeline.decode import POLICY, decode
from greycard.recipe.model import PretrainedConfig
from greycard.runs.record import RunRecord

_PIXELS = 224
"""The image size of a network that is not among the preferred ones."""


@dataclass(frozen=True)
class Embedder:
    """Computes feature vectors.

    Attributes:
        network: what they depend on.
        model: from uint8 (n, height, width, channels) to float32 (n, features).
    """

    network: Network
    model: keras.Model

    @property
    def at_once(self) -> Engine:
        """Without preparation, for a few images."""
        return by_keras(self.model)

    @cached_property
    def engine(self) -> Engine:
        """The fastest engine with the same vectors up to rounding in float32; its preparation takes some seconds."""
        return fastest(self.model)

    def decode(self, image: ImageLike) -> np.ndarray:
        """Decode an image for the network, uint8 (height, width, channels); UnreadableImageError if it cannot."""
        size = self.network.height, self.network.width
        return decode(source_of(image), size, self.network.channels, self.network.resize)


def run_embedder(run: RunRecord, model: Model) -> Embedder:
    """The embedder of a run: the feature vector that its model states.

    Args:
        run: finished.
        model: the run's.

    Raises:
        GreycardError: the run takes numbers, not images.
    """
    data, vectors = run.recipe.data, feature_model(model)
    if data.image_size is None or vectors is None:
        raise GreycardError(f"{run.path} takes numbers, not images", hint="name a run that was trained on images")
    size, features = data.image_size, int(vectors.output_shape[-1])
    about = Network(run.name, file_digest(run.model_path), *size, data.channels, data.resize, POLICY, features)
    return Embedder(about, vectors)


def backbone_embedder(name: str, files: Sequence[Path]) -> Embedder:
    """The embedder of a pretrained network: the average of its last feature map.

    Args:
        name: of the network, such as `EfficientNetLite0`.
        files: files that may have its weights, as `find_weights` returns them; at least one.

    Raises:
        GreycardError: there is no such network, or no file fits.
    """
    for position, file in enumerate(files):
        try:
            return _with_weights(name, file)
        except WeightsDoNotFitError:
            if position == len(files) - 1:
                raise
    raise AssertionError("unreachable: there is a file")


def feature_model(model: Model) -> keras.Model | None:
    """From pixels to the feature vector of a model; None for a model of numbers.

    A network without a feature map has learned its features in its dense layers, so its vector is the head's input.
    A model that computes several versions of each image has the mean of their vectors.
    """
    vector = model.vector if model.feature_layer is not None else model.head_input
    if model.vector is None or vector is None:
        return None
    if model.views is not None:
        versions = len(inputs_of(model.network, model.views))
        vector = ops.mean(ops.reshape(vector, (versions, -1, vector.shape[-1])), axis=0)
    return keras.Model(model.network.inputs[0], vector, name="features")


def _with_weights(name: str, file: Path) -> Embedder:
    preferred = known(name)
    pixels = preferred.pixels if preferred else _PIXELS
    inputs = image_input((pixels, pixels), 3)
    config = PretrainedConfig(backbone=name, backbone_alpha=alpha_of(file), pooling="average")
    model = keras.Model(inputs, add_pooling(backbone_of(config, inputs, file)[0], "average"), name="features")
    features = int(model.output_shape[-1])
    about = Network(name, file_digest(file), pixels, pixels, 3, "stretch", POLICY, features)
    return Embedder(about, model)
