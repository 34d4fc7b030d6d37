"""What a run trains: the whole model on pixels, or the head alone on a frozen backbone's features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from greycard.datasets.digests import file_digest
from greycard.models.backbone import RUN_MODEL, is_run
from greycard.pipeline.batches import Batches, prediction_batch
from greycard.pipeline.pixels import Pixels
from greycard.recipe import Recipe
from greycard.training.clock import Clock
from greycard.training.display import Display
from greycard.training.features import FrozenFeatures, ViewedBatches, is_frozen
from greycard.workflow.prepare import Prepared


@dataclass(frozen=True)
class Learner:
    """A compiled model, the batches it learns from and is measured on, and the training images as they are."""

    model: keras.Model
    train: Batches
    validation: Batches
    as_is: Batches


def learner(prepared: Prepared, display: Display, clock: Clock) -> Learner:
    """The whole model; where its backbone is frozen, its head, for which features are computed first."""
    recipe, pixels = prepared.recipe, prepared.train
    if is_frozen(prepared.model):
        with clock("features"):
            return _head_learner(prepared, display)
    train = Batches(pixels, recipe.batch_size, shuffle=True, seed=recipe.seed, augmentation=recipe.augmentation)
    return Learner(prepared.model, train, _measured(prepared.validation, recipe), _measured(pixels, recipe))


def _head_learner(prepared: Prepared, display: Display) -> Learner:
    recipe = prepared.recipe
    features = FrozenFeatures(prepared.model, identity(prepared))
    count = display.counting("features of validation images", len(prepared.validation))
    held_out = features.of(prepared.validation, count)
    views = _views(recipe)
    count = display.counting("features of training images", (1 + views) * len(prepared.train))
    as_is = features.of(prepared.train, count)
    augmentation = recipe.augmentation
    seen = features.views(prepared.train, augmentation, recipe.seed, views, count) if augmentation else [as_is]
    train = ViewedBatches(seen, recipe.batch_size, seed=recipe.seed)
    return Learner(features.head, train, _measured(held_out, recipe), _measured(as_is, recipe))


def _views(recipe: Recipe) -> int:
    """How many augmented views of each training image are looked at."""
    return min(recipe.feature_views, recipe.epochs) if recipe.augmentation else 0


def _measured(pixels: Pixels, recipe: Recipe) -> Batches:
    return Batches(pixels, prediction_batch(pixels, recipe.val_batch_size))


def identity(prepared: Prepared) -> dict[str, Any]:
    """All that the features depend on but the pixels."""
    recipe = prepared.recipe
    assert recipe.backbone is not None
    file = Path(recipe.backbone, RUN_MODEL) if is_run(recipe.backbone) else prepared.weights
    assert file is not None
    name = Path(recipe.backbone).name
    fields = {"cut": recipe.backbone_cut, "alpha": recipe.backbone_alpha, "pooling": recipe.pooling}
    return {"backbone": name, "weights": file_digest(file), **fields}
