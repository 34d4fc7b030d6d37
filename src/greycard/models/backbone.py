"""A pretrained network by name as a part of a model: its preprocessing, its weights, and the layer it is cut at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
from keras import Operation

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.models.application import build_application
from greycard.models.graph import operation, output_of, producer
from greycard.models.imagenet import LITE0, Pretrained, network
from greycard.models.lite0_weights import load_lite0
from greycard.models.preprocessing import add_preprocessing
from greycard.models.weights import cut_of


class WeightsDoNotFitError(GreycardError):
    """A weights file is damaged or from another network; another file may fit."""


@dataclass(frozen=True)
class Backbone:
    """A pretrained network in a model's graph.

    Attributes:
        output: its features: a map (b, rows, columns, filters), or a vector for some layers.
        preprocessing: the operation that scales the pixels for it.
    """

    output: keras.KerasTensor
    preprocessing: Operation


def add_backbone(
    pixels: keras.KerasTensor,
    name: str,
    *,
    weights: Path | None,
    layer: str | None = None,
    alpha: float | None = None,
    prefix: str = "",
) -> Backbone:
    """Add a pretrained network without its top, and its preprocessing, to a model's graph.

    With weights it is frozen and its batch norm runs in inference mode; without weights it is trained.

    Args:
        pixels: uint8 (b, height, width, 3), RGB.
        name: the network's name, such as `EfficientNetLite0` or `MobileNetV2`.
        weights: one of the files that `find_weights` returns; None for random weights.
        layer: the layer to cut the network at; None for its last feature map.
        alpha: the width multiplier of the MobileNet family; None for the network's own default.
        prefix: put before the layer names `preprocessing` and `backbone`, for a model with several networks.

    Raises:
        WeightsDoNotFitError: the file is damaged or from another network.
        GreycardError: the network or layer does not exist, or does not fit the images.
    """
    entry = network(name)
    height, width, channels = pixels.shape[1:]
    whole = build_application(entry, (height, width, channels), alpha)
    base = cut_at(whole, layer, f"{prefix}backbone")
    prepared = add_preprocessing(pixels, entry, f"{prefix}preprocessing")
    if weights is not None:
        _load(base, whole, weights, entry)
    output = base(prepared) if weights is None else frozen(base)(prepared, training=False)
    return Backbone(output, producer(prepared))


def cut_at(model: keras.Model, layer: str | None, name: str = "backbone") -> keras.Model:
    """The model up to a layer's output, or all of it for None; it shares the model's layers.

    Raises:
        GreycardError: there is no such layer.
    """
    if layer is None:
        return keras.Model(model.inputs, model.output, name=name)
    found = operation(model, layer)
    if found is None:
        names = [each.name for each in model.operations]
        hint = did_you_mean(layer, names, f"its last layers are {', '.join(names[-8:])}")
        raise GreycardError(f"{model.name} has no layer {layer!r} to cut at", hint=hint)
    return keras.Model(model.inputs, output_of(model, found), name=name)


def frozen(base: keras.Model) -> keras.Model:
    """The model itself, no longer trainable."""
    base.trainable = False
    return base


def _load(base: keras.Model, whole: keras.Model, path: Path, entry: Pretrained) -> None:
    if entry is LITE0 and path.suffix == Path(LITE0.path).suffix:
        load_lite0(whole, path)
    else:
        _load_keras(base, whole, path, entry.name)


def _load_keras(base: keras.Model, whole: keras.Model, path: Path, name: str) -> None:
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
