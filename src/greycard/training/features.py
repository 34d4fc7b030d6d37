"""Cached features: the output of a frozen backbone does not change, so it is computed once per image.

Only the head is trained, on the features. Its layers belong to the whole model, so the whole model is trained with it.
Augmented images differ in every epoch. Features are computed for the images of the first
`recipe.model.augmented_copies` epochs, and later epochs use them in turn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from greycard.backend.inference import Engine, fastest
from greycard.backend.precision import FLOAT32
from greycard.core.clock import Clock
from greycard.core.reporter import Reporter
from greycard.datasets.digests import file_digest
from greycard.models.pretrained import is_run
from greycard.models.saved import MODEL
from greycard.models.views import WHOLE, View, head_of_views, views_of
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.cache import cached_array
from greycard.pipeline.loader import Batch, Loader, prediction_batch
from greycard.pipeline.targets import SoftTargets
from greycard.recipe import Recipe
from greycard.recipe.model import PretrainedConfig
from greycard.training.setup import Loaders, Saved, TrainSetup
from greycard.training.targets import soft_targets

BATCH = 32
"""Images per batch when features are computed."""

_VERSION = 1
"""Increase this when a code change alters the features of the same pixels and weights."""


class FrozenFeatures:
    """The features of a frozen backbone, computed or read from the cache.

    Args:
        bottom: from pixels to the feature vector, all of it frozen.
        identity: what the features depend on besides the pixels (`backbone_identity`).
    """

    def __init__(self, bottom: keras.Model, identity: dict[str, Any]) -> None:
        self._bottom = bottom
        self._identity = identity | {"version": _VERSION}
        self._engines: dict[str, Engine] = {}

    def of(
        self, pixels: ArraySplit, on_image: Callable[[int], None], view: View = WHOLE, precision: str = FLOAT32
    ) -> ArraySplit:
        """The features of one version of the images, without augmentation; `precision` is that of `fastest`."""
        key = {"augmentation": None} if view is WHOLE else {"view": view.name, "augmentation": None}
        key |= {} if precision == FLOAT32 else {"precision": precision}
        return self._cached(pixels, Loader(pixels, BATCH), 0, key, on_image, view, precision)

    def views(
        self, pixels: ArraySplit, augmentation: Augmentation, seed: int, count: int, on_image: Callable[[int], None]
    ) -> list[ArraySplit]:
        """The features of the augmented images of the first `count` epochs."""
        batches = Loader(pixels, BATCH, seed=seed, augmentation=augmentation)
        drawn = {**asdict(augmentation), "seed": seed}
        keys = ({"augmentation": {**drawn, "epoch": epoch}} for epoch in range(count))
        return [self._cached(pixels, batches, epoch, key, on_image) for epoch, key in enumerate(keys)]

    def _cached(
        self,
        pixels: ArraySplit,
        batches: Loader,
        epoch: int,
        content: dict[str, Any],
        on_image: Callable[[int], None],
        view: View = WHOLE,
        precision: str = FLOAT32,
    ) -> ArraySplit:
        key = _digest({**self._identity, "pixels": pixels.digest, **content})
        array, _, _ = cached_array(
            "features",
            key,
            shape=(len(pixels), *self._bottom.output_shape[1:]),
            dtype="float32",
            about=f"{self._identity['backbone']}'s features",
            fill=lambda features: _fill(features, batches.epoch(epoch), self._engine(precision), on_image, view),
        )
        return replace(pixels, images=array, digest=key)

    def _engine(self, precision: str) -> Engine:
        if precision not in self._engines:
            self._engines[precision] = fastest(self._bottom, precision)
        return self._engines[precision]


def _fill(
    features: np.ndarray, batches: Iterable[Batch], engine: Engine, on_image: Callable[[int], None], view: View
) -> dict[str, Any]:
    done = 0
    for images, _ in batches:
        features[done : done + len(images)] = engine(np.ascontiguousarray(view.of(images)))
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


class ViewFeatureLoader(Loader):
    """A loader of the features or feature maps of all versions of each image: float32 (b, versions, …, features).

    Args:
        versions: for each version of the images its features, one array per backbone.
        batch_size: images per batch.
    """

    def __init__(self, versions: Sequence[Sequence[ArraySplit]], batch_size: int) -> None:
        everything = _digest({"parts": [part.digest for parts in versions for part in parts]})
        super().__init__(replace(versions[0][0], digest=everything), batch_size)
        self._versions = versions

    def _read(self, epoch: int, index: int, steps_per_execution: int, workers: Executor | None) -> Batch:
        size = self.batch_size * steps_per_execution
        rows = np.arange(len(self.split))[index * size : (index + 1) * size]
        return self.some(rows), self.split.labels[rows]

    def some(self, rows: np.ndarray) -> np.ndarray:
        joined = [np.concatenate([part.images[rows] for part in parts], axis=-1) for parts in self._versions]
        return np.stack(joined, axis=1)


def with_cached_features(setup: TrainSetup, reporter: Reporter, clock: Clock) -> TrainSetup:
    """A setup that trains only the head, on cached features, if the model is frozen up to its feature vector."""
    if not setup.model.is_frozen:
        return setup
    recipe, arrays, views = setup.recipe, setup.arrays, views_of(setup.recipe.prediction)
    assert recipe.pretrained is not None
    assert setup.model.vector is not None
    with clock("features"):
        bottom = keras.Model(setup.model.network.inputs[0], setup.model.vector)
        features = FrozenFeatures(bottom, backbone_identity(recipe.pretrained, setup.weights[0]))
        count = reporter.progress("features of validation images", len(views) * len(arrays.validation))
        val = [features.of(arrays.validation, count, view) for view in views]
        copies = _copy_count(recipe)
        count = reporter.progress("features of training images", (len(views) + copies) * len(arrays.train))
        unaugmented = [features.of(arrays.train, count, view) for view in views]
        drawn = recipe.augmentation
        seen = features.views(arrays.train, drawn, recipe.training.seed, copies, count) if drawn else unaugmented[:1]
    network = head_of(setup)
    train = CachedFeatureLoader(
        seen,
        recipe.training.batch_size,
        seed=recipe.training.seed,
        targets=soft_targets(recipe, arrays.train.labels, setup.task.classes),
        balanced=recipe.loss.balance == "sampling",
    )
    least = recipe.training.val_batch_size
    measured = [Loader(each[0], prediction_batch(each[0], least)) for each in (val, unaugmented)]
    saved = Saved(setup.saved.model, network, *measured)
    if len(views) > 1:
        loaders = [ViewFeatureLoader([[each] for each in split], BATCH) for split in (val, unaugmented)]
        saved = Saved(setup.saved.model, head_of_views(setup.model, setup.model.vector, len(views)), *loaders)
    return replace(setup, network=network, loaders=Loaders(train, measured[0]), saved=saved)


def _copy_count(recipe: Recipe) -> int:
    """The number of augmented copies of each training image."""
    model = recipe.pretrained
    return min(model.augmented_copies, recipe.training.epochs) if model and recipe.augmentation else 0


def backbone_identity(backbone: PretrainedConfig, weights: Path | None) -> dict[str, Any]:
    """Everything that the features depend on, except the pixels: the network, its weights, its layer, its pooling."""
    file = Path(backbone.backbone, MODEL) if is_run(backbone.backbone) else weights
    assert file is not None
    name = Path(backbone.backbone).name
    fields = {"cut": backbone.backbone_layer, "alpha": backbone.backbone_alpha, "pooling": backbone.pooling}
    return {"backbone": name, "weights": file_digest(file), **fields}


def head_of(setup: TrainSetup) -> keras.Model:
    """The model's own layers from the feature vector on, compiled with its own optimizer."""
    head = keras.Model(setup.model.vector, setup.model.network.outputs[0], name="head")
    setup.task.compile(head, setup.model.network.optimizer, soft_targets=setup.recipe.soft_targets)
    return head


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
