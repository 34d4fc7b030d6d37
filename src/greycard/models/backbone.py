"""A backbone: any `keras.applications` network, or an earlier run's model, cut at a layer and frozen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from greycard.errors import GreycardError
from greycard.models.imagenet import network
from greycard.models.preprocessing import add_preprocessing
from greycard.recipe import Recipe

RUN_MODEL = "model.keras"


def is_run(backbone: str) -> bool:
    """Whether a recipe's backbone names an earlier run's folder and not a network."""
    return Path(backbone, RUN_MODEL).is_file()


def add_backbone(pixels: keras.KerasTensor, recipe: Recipe, weights: Sequence[Path]) -> keras.KerasTensor:
    """From pixels to the backbone's feature map, by its own preprocessing.

    With weights the backbone is frozen and its batch norm in inference mode; without, it is trained like any layer.

    Args:
        pixels: uint8 (b, height, width, channels).
        recipe: names the backbone and the cut.
        weights: files to try in turn; empty for random weights.

    Raises:
        GreycardError: no such network or layer, a size it cannot take, or weights that do not fit.
    """
    assert recipe.backbone is not None
    if is_run(recipe.backbone):
        base = _own_model(Path(recipe.backbone, RUN_MODEL), recipe.backbone_cut)
        return _frozen(base)(pixels, training=False)
    entry = network(recipe.backbone)
    base, whole = _application(recipe)
    prepared = add_preprocessing(pixels, entry)
    if not weights:
        return base(prepared)
    _load_first_fitting(base, whole, weights, recipe.backbone)
    return _frozen(base)(prepared, training=False)


def _application(recipe: Recipe) -> tuple[keras.Model, keras.Model]:
    """The network cut where the recipe says, and the whole of it (the same layers)."""
    assert recipe.backbone is not None
    assert recipe.image_size is not None
    if recipe.channels != 3:
        raise GreycardError(
            f"{recipe.backbone} takes RGB pictures; received channels={recipe.channels}", hint="--set channels=3"
        )
    options: dict[str, Any] = {} if recipe.backbone_alpha is None else {"alpha": recipe.backbone_alpha}
    build = getattr(keras.applications, recipe.backbone)
    try:
        whole = build(include_top=False, weights=None, input_shape=(*recipe.image_size, 3), **options)
    except (ValueError, TypeError) as error:
        raise GreycardError(f"{recipe.backbone} cannot be built for this recipe: {error}") from error
    return _cut(whole, recipe.backbone_cut), whole


def _own_model(path: Path, cut: str | None) -> keras.Model:
    """An earlier run's model up to its feature map, or, where it has none, up to its last hidden layer."""
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises nearly anything on a damaged file
        raise GreycardError(f"{path} cannot be loaded: {error}", hint="train that run again") from error
    if cut is not None:
        return _cut(model, cut)
    features = model.get_layer("features").input
    return keras.Model(model.inputs, features if _has_map(model) else model.layers[-1].input, name="backbone")


def _has_map(model: keras.Model) -> bool:
    return len(model.get_layer("features").input.shape) == 4 and len(model.layers) > 5


def _cut(model: keras.Model, cut: str | None) -> keras.Model:
    names = [layer.name for layer in model.layers]
    if cut is not None and cut not in names:
        raise GreycardError(
            f"{model.name} has no layer {cut!r} to cut at", hint=f"its last layers are {', '.join(names[-8:])}"
        )
    output = model.output if cut is None else model.get_layer(cut).output
    return keras.Model(model.inputs, output, name="backbone")


def _load_first_fitting(base: keras.Model, whole: keras.Model, weights: Sequence[Path], name: str) -> None:
    reasons = []
    for path in weights:
        for model in (base, whole):
            try:
                model.load_weights(path)
            except Exception as error:  # Keras raises nearly anything on a file that does not fit
                reasons.append(f"{path.name}: {str(error).splitlines()[0][:200]}")
            else:
                return
    raise GreycardError(
        f"the weights found do not fit {name}: {reasons[0]}",
        hint="name another file with --weights, or its width with --set backbone_alpha=…",
    )


def _frozen(base: keras.Model) -> keras.Model:
    base.trainable = False
    return base
