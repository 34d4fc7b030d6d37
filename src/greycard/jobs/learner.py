"""What a run trains: the whole model on pixels, or the head alone on a frozen backbone's features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.datasets.digests import file_digest
from greycard.jobs.prepare import Prepared
from greycard.models.pretrained import is_run
from greycard.models.saved import MODEL
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.recipe import Recipe
from greycard.training.features import CachedFeatureLoader, FrozenFeatures


@dataclass(frozen=True)
class Learner:
    """A compiled model, the batches it learns from and is measured on, and the training images as they are."""

    model: keras.Model
    train: Loader
    validation: Loader
    unaugmented: Loader


def learner(prepared: Prepared, reporter: Reporter, clock: Clock) -> Learner:
    """The whole model; where its backbone is frozen, its head, for which features are computed first."""
    recipe, pixels = prepared.recipe, prepared.train
    if prepared.model.is_frozen:
        with clock("features"):
            return _head_learner(prepared, reporter)
    train = Loader(
        pixels, recipe.training.batch_size, shuffle=True, seed=recipe.training.seed, augmentation=recipe.augmentation
    )
    return Learner(prepared.model.network, train, _measured(prepared.validation, recipe), _measured(pixels, recipe))


def _head_learner(prepared: Prepared, reporter: Reporter) -> Learner:
    recipe = prepared.recipe
    features = FrozenFeatures(prepared.model, prepared.task, identity(prepared))
    count = reporter.progress("features of validation images", len(prepared.validation))
    val = features.of(prepared.validation, count)
    views = _views(recipe)
    count = reporter.progress("features of training images", (1 + views) * len(prepared.train))
    unaugmented = features.of(prepared.train, count)
    augmentation = recipe.augmentation
    seen = (
        features.views(prepared.train, augmentation, recipe.training.seed, views, count)
        if augmentation
        else [unaugmented]
    )
    train = CachedFeatureLoader(seen, recipe.training.batch_size, seed=recipe.training.seed)
    return Learner(features.head, train, _measured(val, recipe), _measured(unaugmented, recipe))


def _views(recipe: Recipe) -> int:
    """How many augmented views of each training image are looked at."""
    model = recipe.pretrained
    return min(model.augmented_copies, recipe.training.epochs) if model and recipe.augmentation else 0


def _measured(pixels: ArraySplit, recipe: Recipe) -> Loader:
    return Loader(pixels, prediction_batch(pixels, recipe.training.val_batch_size))


def identity(prepared: Prepared) -> dict[str, Any]:
    """All that the features depend on but the pixels."""
    model = prepared.recipe.pretrained
    assert model is not None
    file = Path(model.backbone, MODEL) if is_run(model.backbone) else prepared.weights
    assert file is not None
    name = Path(model.backbone).name
    fields = {"cut": model.backbone_layer, "alpha": model.backbone_alpha, "pooling": model.pooling}
    return {"backbone": name, "weights": file_digest(file), **fields}
