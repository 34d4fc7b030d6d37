"""`probe`: frozen backbones, the average of each one's feature map, and a linear head on all of them.

The head is the mean of one logistic regression per backbone, because the logits of concatenated features are the sum
of the logits of their parts.
"""

from __future__ import annotations

import keras
from keras import layers

from greycard.core.errors import GreycardError
from greycard.models.dense import add_pooling
from greycard.models.graph import inputs_of, producer, rank
from greycard.models.model import Body, Model, Weights
from greycard.models.pretrained import backbone_of, is_run
from greycard.models.tuning import unfreeze
from greycard.recipe.model import ProbeConfig

_MAPS = "feature_maps"


def build(config: ProbeConfig, inputs: keras.KerasTensor, weights: Weights = ()) -> Body:
    """Build the backbones and the pooling.

    Feature maps of the same size are concatenated before the pooling, so that Grad-CAM sees all of them.

    Args:
        config: the backbones.
        inputs: uint8 (b, height, width, channels).
        weights: the weights file of each pretrained network; none for an earlier run.

    Raises:
        GreycardError: a backbone has no weights; or as for `pretrained.backbone_of`.
    """
    parts = config.pretrained_parts
    files = [*weights, *[None] * (len(parts) - len(weights))]
    found = []
    for number, (part, file) in enumerate(zip(parts, files, strict=True), start=1):
        if file is None and not is_run(part.backbone):
            raise GreycardError(
                f"a probe fits only its head, so {part.backbone} needs weights. Received: none",
                hint=f"--weights PATH names them; in place of the probe, --set backbone={part.backbone} --set"
                " pooling=average trains the network from random weights",
            )
        found.append(backbone_of(part, inputs, file, "" if number == 1 else f"network{number}_"))
    maps, preprocessing = [output for output, _ in found], found[0][1]
    if config.fine_tune:
        unfreeze(_only_network(maps), config.fine_tune)
    joined = _joined(maps)
    features = joined if len(maps) > 1 and rank(joined) == 2 else add_pooling(joined, "average")
    return Body(features, preprocessing, producer(joined) if rank(joined) == 4 else None, producer(features))


def _only_network(maps: list[keras.KerasTensor]) -> keras.Model:
    """The backbone to tune.

    Raises:
        GreycardError: there are several, or it has no feature map.
    """
    if len(maps) > 1 or rank(maps[0]) != 4:
        what = f"{len(maps)} backbones" if len(maps) > 1 else "a backbone without a feature map"
        raise GreycardError(
            f"fine-tuning takes one backbone with a feature map. Received: {what}",
            hint="name one network with --set backbones=…, or --set fine_tune=none",
        )
    return producer(maps[0])


def _joined(maps: list[keras.KerasTensor]) -> keras.KerasTensor:
    """The only map, all maps of one size as one map, or the pooled features of all."""
    if len(maps) == 1:
        return maps[0]
    if len({each.shape[1:-1] for each in maps}) == 1 and rank(maps[0]) == 4:
        return layers.Concatenate(name=_MAPS)(maps)
    pooled = [_pooled(each, f"features{number}") for number, each in enumerate(maps, start=1)]
    return layers.Concatenate(name="features")(pooled)


def _pooled(output: keras.KerasTensor, name: str) -> keras.KerasTensor:
    kind = layers.GlobalAveragePooling2D if rank(output) == 4 else layers.Flatten
    return kind(name=name)(output)


def extractors(model: Model) -> list[keras.Model]:
    """One model per backbone, from pixels to its features, float32 (b, filters); together they are `model.vector`.

    Args:
        model: built by `build`.
    """
    assert model.vector is not None
    pixels, joined = model.network.inputs[0], model.feature_layer
    if joined is not None and joined.name == _MAPS:
        maps = inputs_of(model.network, joined)
        return [keras.Model(pixels, layers.GlobalAveragePooling2D()(each)) for each in maps]
    parts = inputs_of(model.network, model.features) if isinstance(model.features, layers.Concatenate) else []
    return [keras.Model(pixels, part) for part in parts or [model.vector]]
