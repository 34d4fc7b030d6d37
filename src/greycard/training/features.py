"""Cached features: the output of a frozen backbone does not change, so it is computed once per image.

Only the head is trained, on the features. Its layers belong to the whole model, so the whole model is trained with it.
Augmented images differ in every epoch. Features are computed for the images of the first
`recipe.model.augmented_copies` epochs, and later epochs use them in turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from greycard.backend.inference import Engine, fastest
from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.datasets.digests import file_digest
from greycard.models.model import Model
from greycard.models.pretrained import is_run
from greycard.models.saved import MODEL
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.cache import cached_array
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.pipeline.targets import SoftTargets
from greycard.recipe import Recipe
from greycard.tasks.task import Task
from greycard.training.setup import Loaders, TrainSetup
from greycard.training.targets import soft_targets

BATCH = 32
"""Images per batch when features are computed."""

_VERSION = 1
"""Increase this when a code change alters the features of the same pixels and weights."""


class FrozenFeatures:
    """The features of a model with a frozen backbone, computed or read from the cache.

    Args:
        model: a compiled model that is frozen up to its feature vector (`Model.is_frozen`).
        task: the task of the model.
        identity: what the features depend on besides the pixels: the backbone's weights, its layer, the pooling.
        soft_targets: True to train the head with targets (b, classes), False with labels (b,).
    """

    def __init__(self, model: Model, task: Task, identity: dict[str, Any], *, soft_targets: bool = False) -> None:
        assert model.vector is not None
        self._bottom = keras.Model(model.network.inputs[0], model.vector)
        self.head = _head(model, task, soft_targets)
        self._identity = identity | {"version": _VERSION}
        self._engine: Engine | None = None

    def of(self, pixels: ArraySplit, on_image: Callable[[int], None]) -> ArraySplit:
        """The features of the images without augmentation."""
        return self._view(pixels, None, 0, 0, on_image)

    def views(
        self, pixels: ArraySplit, augmentation: Augmentation, seed: int, count: int, on_image: Callable[[int], None]
    ) -> list[ArraySplit]:
        """The features of the augmented images of the first `count` epochs."""
        return [self._view(pixels, augmentation, seed, epoch, on_image) for epoch in range(count)]

    def _view(
        self,
        pixels: ArraySplit,
        augmentation: Augmentation | None,
        seed: int,
        epoch: int,
        on_image: Callable[[int], None],
    ) -> ArraySplit:
        drawn = None if augmentation is None else {**asdict(augmentation), "seed": seed, "epoch": epoch}
        key = _digest({**self._identity, "pixels": pixels.digest, "augmentation": drawn})
        batches = Loader(pixels, BATCH, seed=seed, augmentation=augmentation)
        array, _, _ = cached_array(
            "features",
            key,
            shape=(len(pixels), *self._bottom.output_shape[1:]),
            dtype="float32",
            about=f"{self._identity['backbone']}'s features",
            fill=lambda features: self._fill(features, batches, epoch, on_image),
        )
        return replace(pixels, images=array, digest=key)

    def _fill(
        self, features: np.ndarray, batches: Loader, epoch: int, on_image: Callable[[int], None]
    ) -> dict[str, Any]:
        self._engine = self._engine or fastest(self._bottom)
        done = 0
        for images, _ in batches.epoch(epoch):
            features[done : done + len(images)] = self._engine(images)
            done += len(images)
            on_image(len(images))
        return {}


class CachedFeatureLoader(Loader):
    """A loader that uses the augmented copies in turn, one per epoch."""

    def __init__(
        self,
        views: list[ArraySplit],
        batch_size: int,
        *,
        seed: int,
        targets: SoftTargets | None = None,
        balanced: bool = False,
    ) -> None:
        super().__init__(views[0], batch_size, shuffle=True, seed=seed, targets=targets, balanced=balanced)
        self._views = views

    def images(self, epoch: int) -> np.ndarray:
        return self._views[epoch % len(self._views)].images


def with_cached_features(setup: TrainSetup, reporter: Reporter, clock: Clock) -> TrainSetup:
    """A setup that trains only the head, on cached features, if the model is frozen up to its feature vector."""
    if not setup.model.is_frozen:
        return setup
    recipe, arrays = setup.recipe, setup.arrays
    with clock("features"):
        features = FrozenFeatures(setup.model, setup.task, backbone_identity(setup), soft_targets=recipe.soft_targets)
        val = features.of(arrays.validation, reporter.progress("features of validation images", len(arrays.validation)))
        views = _view_count(recipe)
        count = reporter.progress("features of training images", (1 + views) * len(arrays.train))
        unaugmented = features.of(arrays.train, count)
        drawn = recipe.augmentation
        seen = features.views(arrays.train, drawn, recipe.training.seed, views, count) if drawn else [unaugmented]
    train = CachedFeatureLoader(
        seen,
        recipe.training.batch_size,
        seed=recipe.training.seed,
        targets=soft_targets(recipe, arrays.train.labels, setup.task.classes),
        balanced=recipe.loss.balance == "sampling",
    )
    measured = (Loader(each, prediction_batch(each, recipe.training.val_batch_size)) for each in (val, unaugmented))
    return replace(setup, network=features.head, loaders=Loaders(train, *measured))


def _view_count(recipe: Recipe) -> int:
    """The number of augmented copies of each training image."""
    model = recipe.pretrained
    return min(model.augmented_copies, recipe.training.epochs) if model and recipe.augmentation else 0


def backbone_identity(setup: TrainSetup) -> dict[str, Any]:
    """Everything that the features depend on, except the pixels: the network, its weights, its layer, its pooling."""
    model = setup.recipe.pretrained
    assert model is not None
    file = Path(model.backbone, MODEL) if is_run(model.backbone) else setup.weights
    assert file is not None
    name = Path(model.backbone).name
    fields = {"cut": model.backbone_layer, "alpha": model.backbone_alpha, "pooling": model.pooling}
    return {"backbone": name, "weights": file_digest(file), **fields}


def _head(model: Model, task: Task, soft_targets: bool) -> keras.Model:
    """The model's own layers from the feature vector on, compiled with its own optimizer."""
    head = keras.Model(model.vector, model.network.outputs[0], name="head")
    task.compile(head, model.network.optimizer, soft_targets=soft_targets)
    return head


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
