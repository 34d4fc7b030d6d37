"""`pretrained`: a `keras.applications` network or an earlier run's model, cut at a layer and frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.models.dense import add_dense, add_pooling
from greycard.models.graph import operation, output_of, producer, rank
from greycard.models.imagenet import network
from greycard.models.model import Body
from greycard.models.preprocessing import add_preprocessing
from greycard.models.saved import MODEL, load_model
from greycard.models.weights import cut_of
from greycard.recipe.model import PretrainedConfig


class WeightsDoNotFitError(GreycardError):
    """A weights file is damaged or from another network; another file may fit."""


def is_run(backbone: str) -> bool:
    """True if a recipe's backbone is an earlier run's folder, not a network."""
    return Path(backbone, MODEL).is_file()


def build(config: PretrainedConfig, inputs: keras.KerasTensor, weights: Path | None = None) -> Body:
    """Build the backbone, pooling, then dense layers.

    With weights the backbone is frozen and its batch norm runs in inference mode; without weights it is trained.

    Args:
        config: the backbone, the layer to cut at, pooling, units and dropout.
        inputs: uint8 (b, height, width, channels).
        weights: the weights file of a `keras.applications` network; None for random weights.

    Raises:
        GreycardError: the network or layer does not exist, the image size or the weights do not fit, or the run has
            no features to transfer.
    """
    if is_run(config.backbone):
        base, preprocessing = _own_model(Path(config.backbone), config.backbone_layer), None
        _expect_input(base, inputs, config.backbone)
        x = _frozen(base)(inputs, training=False)
    else:
        base, whole = _application(config, inputs)
        prepared = add_preprocessing(inputs, network(config.backbone))
        preprocessing = producer(prepared)
        if weights is not None:
            _load(base, whole, weights, config.backbone)
        x = base(prepared) if weights is None else _frozen(base)(prepared, training=False)
    features = add_pooling(x, config.pooling)
    vector = add_dense(features, config.dense, feature_dropout=config.feature_dropout, dropout=config.dropout)
    return Body(vector, preprocessing, producer(x) if rank(x) == 4 else None, producer(features))


def _application(config: PretrainedConfig, inputs: keras.KerasTensor) -> tuple[keras.Model, keras.Model]:
    """The network cut at the recipe's layer, and the full network, which shares its layers."""
    height, width, channels = inputs.shape[1:]
    if channels != 3:
        raise GreycardError(
            f"{config.backbone} takes RGB images; received channels={channels}", hint="--set channels=3"
        )
    options: dict[str, Any] = {} if config.backbone_alpha is None else {"alpha": config.backbone_alpha}
    build_network = getattr(keras.applications, config.backbone)
    try:
        whole = build_network(include_top=False, weights=None, input_shape=(height, width, 3), **options)
    except (ValueError, TypeError) as error:
        raise GreycardError(
            f"{config.backbone} cannot be built for this recipe: {error}",
            hint="use another image_size or backbone_alpha",
        ) from error
    return _cut(whole, config.backbone_layer), whole


def _own_model(run: Path, cut: str | None) -> keras.Model:
    """An earlier run's model up to its feature map or, without one, up to its last hidden layer."""
    model = load_model(run)
    output = model.transferable
    if output is None:
        raise GreycardError(
            f"{run} has no features to transfer: it was trained on numbers, not images",
            hint="name a run trained on images, or a network of keras.applications",
        )
    if cut is not None:
        return _cut(model.network, cut)
    return keras.Model(model.network.inputs, output, name="backbone")


def _expect_input(base: keras.Model, pixels: keras.KerasTensor, run: str) -> None:
    if base.input_shape[1:] != pixels.shape[1:]:
        size, received = ("×".join(map(str, shape[1:])) for shape in (base.input_shape, pixels.shape))
        raise GreycardError(
            f"the earlier run {run} takes images of {size}; this recipe has {received}",
            hint="use the image_size and channels of that run, or leave them out with --backbone",
        )


def _cut(model: keras.Model, cut: str | None) -> keras.Model:
    if cut is None:
        return keras.Model(model.inputs, model.output, name="backbone")
    found = operation(model, cut)
    if found is None:
        names = [each.name for each in model.operations]
        hint = did_you_mean(cut, names, f"its last layers are {', '.join(names[-8:])}")
        raise GreycardError(f"{model.name} has no layer {cut!r} to cut at", hint=hint)
    return keras.Model(model.inputs, output_of(model, found), name="backbone")


def _load(base: keras.Model, whole: keras.Model, path: Path, name: str) -> None:
    """A file of a cut network has the cut in its name; any other file is tried on the full network first.

    The order matters, because Keras numbers layers by kind and ignores additional layers in a file.
    """
    order = (base, whole) if cut_of(path) else (whole, base)
    reasons = []
    for model in order:
        try:
            model.load_weights(path)
        except Exception as error:  # Keras raises many types of errors for a file that does not fit
            reasons.append(str(error).splitlines()[0][:200])
        else:
            return
    raise WeightsDoNotFitError(
        f"the weights in {path} do not fit {name}: {reasons[0]}",
        hint="name another file with --weights, or the network's width with --set backbone_alpha=…",
    )


def _frozen(base: keras.Model) -> keras.Model:
    base.trainable = False
    return base
