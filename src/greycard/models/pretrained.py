"""`pretrained`: a pretrained network or an earlier run's model, cut at a layer and frozen."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import Operation

from greycard.core.errors import GreycardError
from greycard.models.backbone import add_backbone, cut_at, frozen
from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import producer, rank
from greycard.models.model import Body, Weights
from greycard.models.saved import MODEL, load_model
from greycard.recipe.model import PretrainedConfig


def is_run(backbone: str) -> bool:
    """True if a recipe's backbone is an earlier run's folder, not a network."""
    return Path(backbone, MODEL).is_file()


def build(config: PretrainedConfig, inputs: keras.KerasTensor, weights: Weights = ()) -> Body:
    """Build the backbone, pooling, then dense layers.

    Args:
        config: the backbone, the layer to cut at, pooling, units and dropout.
        inputs: uint8 (b, height, width, channels).
        weights: the weights file of the network; none for random weights.

    Raises:
        GreycardError: as for `backbone_of`.
    """
    x, preprocessing = backbone_of(config, inputs, next(iter(weights), None))
    features = add_pooling(x, config.pooling)
    vector = add_dense(features, config.dense, feature_dropout=config.feature_dropout, dropout=config.dropout)
    return Body(vector, preprocessing, producer(x) if rank(x) == 4 else None, producer(features))


def backbone_of(
    config: PretrainedConfig, inputs: keras.KerasTensor, weights: Path | None, prefix: str = ""
) -> tuple[keras.KerasTensor, Operation | None]:
    """Add the backbone and its preprocessing; returns its output and the layer that scales the pixels for it.

    With weights the backbone is frozen and its batch norm runs in inference mode; without weights it is trained.

    Args:
        config: the backbone and the layer to cut at.
        inputs: uint8 (b, height, width, channels).
        weights: the weights file of the network; None for random weights, and for an earlier run.
        prefix: of the names of the layers, if the model has another backbone.

    Raises:
        GreycardError: the network or layer does not exist, the image size or the weights do not fit, or the run has
            no features to transfer.
    """
    layer, alpha = config.backbone_layer, config.backbone_alpha
    if is_run(config.backbone):
        base = _own_model(Path(config.backbone), layer, f"{prefix}backbone")
        _expect_input(base, inputs, config.backbone)
        return frozen(base)(inputs, training=False), None
    backbone = add_backbone(inputs, config.backbone, weights=weights, layer=layer, alpha=alpha, prefix=prefix)
    return backbone.output, backbone.preprocessing


def _own_model(run: Path, cut: str | None, name: str) -> keras.Model:
    """An earlier run's model up to its feature map or, without one, up to its last hidden layer."""
    model = load_model(run)
    output = model.transferable
    if output is None:
        raise GreycardError(
            f"{run} has no features to transfer: it was trained on numbers, not images",
            hint="name a run trained on images, or a pretrained network such as EfficientNetLite0",
        )
    if cut is not None:
        return cut_at(keras.Model(model.pixels, model.network.outputs[0]), cut, name)
    return keras.Model(model.pixels, output, name=name)


def _expect_input(base: keras.Model, pixels: keras.KerasTensor, run: str) -> None:
    if base.input_shape[1:] != pixels.shape[1:]:
        size, received = ("×".join(map(str, shape[1:])) for shape in (base.input_shape, pixels.shape))
        raise GreycardError(
            f"the earlier run {run} takes images of {size}; this recipe has {received}",
            hint="use the image_size and channels of that run, or leave them out with --backbone",
        )
