"""A backbone: any `keras.applications` network, or an earlier run's model, cut at a layer and frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from greycard.core.errors import GreycardError
from greycard.core.suggestions import did_you_mean
from greycard.models.finite import expect_finite_weights
from greycard.models.imagenet import network
from greycard.models.preprocessing import add_preprocessing
from greycard.models.weights import cut_of
from greycard.recipe import Recipe

RUN_MODEL = "model.keras"


class WeightsDoNotFitError(GreycardError):
    """A weights file is damaged or of another network; another candidate may fit."""


def is_run(backbone: str) -> bool:
    """Whether a recipe's backbone names an earlier run's folder and not a network."""
    return Path(backbone, RUN_MODEL).is_file()


def add_backbone(pixels: keras.KerasTensor, recipe: Recipe, weights: Path | None) -> keras.KerasTensor:
    """From pixels to the backbone's feature map, by its own preprocessing.

    With weights the backbone is frozen and its batch norm in inference mode; without, it is trained like any layer.

    Args:
        pixels: uint8 (b, height, width, channels).
        recipe: names the backbone and the cut.
        weights: their file; None for random weights.

    Raises:
        GreycardError: no such network or layer, a size it cannot take, or weights that do not fit.
    """
    assert recipe.pretrained is not None
    backbone = recipe.pretrained.backbone
    if is_run(backbone):
        base = _own_model(Path(backbone, RUN_MODEL), recipe.pretrained.backbone_layer)
        _expect_input(base, pixels, backbone)
        return _frozen(base)(pixels, training=False)
    entry = network(backbone)
    base, whole = _application(recipe)
    prepared = add_preprocessing(pixels, entry)
    if weights is None:
        return base(prepared)
    _load(base, whole, weights, backbone)
    return _frozen(base)(prepared, training=False)


def _application(recipe: Recipe) -> tuple[keras.Model, keras.Model]:
    """The network cut where the recipe says, and the whole of it (the same layers)."""
    model = recipe.pretrained
    assert model is not None
    assert recipe.data.image_size is not None
    if recipe.data.channels != 3:
        raise GreycardError(
            f"{model.backbone} takes RGB images; received channels={recipe.data.channels}", hint="--set channels=3"
        )
    options: dict[str, Any] = {} if model.backbone_alpha is None else {"alpha": model.backbone_alpha}
    build = getattr(keras.applications, model.backbone)
    try:
        whole = build(include_top=False, weights=None, input_shape=(*recipe.data.image_size, 3), **options)
    except (ValueError, TypeError) as error:
        raise GreycardError(
            f"{model.backbone} cannot be built for this recipe: {error}", hint="another image_size or backbone_alpha"
        ) from error
    return _cut(whole, model.backbone_layer), whole


def _own_model(path: Path, cut: str | None) -> keras.Model:
    """An earlier run's model up to its feature map, or, where it has none, up to its last hidden layer."""
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged file
        raise GreycardError(f"{path} cannot be loaded: {error}", hint="train that run again") from error
    expect_finite_weights(model, f"the earlier run {path.parent}")
    names = {layer.name for layer in model.layers}
    if "features" not in names:
        raise GreycardError(
            f"{path} has no features to transfer: it learned from numbers, not images",
            hint="a run that learned from images, or a network of keras.applications",
        )
    if cut is not None:
        return _cut(model, cut)
    has_map = names & {"conv1", "backbone"}
    output = model.get_layer("features").input if has_map else model.layers[-1].input
    return keras.Model(model.inputs, output, name="backbone")


def _expect_input(base: keras.Model, pixels: keras.KerasTensor, run: str) -> None:
    if base.input_shape[1:] != pixels.shape[1:]:
        size, received = ("×".join(map(str, shape[1:])) for shape in (base.input_shape, pixels.shape))
        raise GreycardError(
            f"the earlier run {run} takes images of {size}; this recipe has {received}",
            hint="set image_size and channels as that run has them, or leave them out with --backbone",
        )


def _cut(model: keras.Model, cut: str | None) -> keras.Model:
    names = [layer.name for layer in model.layers]
    if cut is not None and cut not in names:
        hint = did_you_mean(cut, names, f"its last layers are {', '.join(names[-8:])}")
        raise GreycardError(f"{model.name} has no layer {cut!r} to cut at", hint=hint)
    output = model.output if cut is None else model.get_layer(cut).output
    return keras.Model(model.inputs, output, name="backbone")


def _load(base: keras.Model, whole: keras.Model, path: Path, name: str) -> None:
    """A file of the cut network has the cut in its name; any other is tried on the whole network first.

    The order matters: Keras counts layers of a kind, and ignores what a file has beyond those it asks for.
    """
    order = (base, whole) if cut_of(path) else (whole, base)
    reasons = []
    for model in order:
        try:
            model.load_weights(path)
        except Exception as error:  # Keras raises nearly anything on a file that does not fit
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
