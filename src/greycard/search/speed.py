"""Measure how fast this machine decodes images, computes features and trains; a few seconds for each recipe."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np

from greycard.backend.inference import fastest
from greycard.backend.steps import choices_for, steps_for
from greycard.core.clock import Clock
from greycard.core.reporter import Silent
from greycard.core.threads import thread_pool
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.datasets.label_sets import as_rows
from greycard.models.mixed_precision import mixed_precision
from greycard.models.probe import extractors
from greycard.models.tuning import LAST, split_below_tuned
from greycard.models.views import views_of
from greycard.pipeline.decode import decode
from greycard.recipe import Recipe
from greycard.recipe.model import ProbeConfig
from greycard.search.budget import Rates
from greycard.training.features import head_of
from greycard.training.prepare import prepare
from greycard.training.setup import TrainSetup

_SAMPLE = 24
"""Image files that are decoded to measure the speed."""

_FIT_SECONDS = 0.001
"""To fit a probe, for each image: measured with 2,000 images in two versions and 1,280 features."""


def measure_rates(recipe: Recipe, dataset: Dataset, weights: str | Path | None) -> Rates:
    """Measure a recipe's parts on one batch of random pixels, and decoding on a sample of the files.

    Raises:
        GreycardError: the recipe cannot be trained here.
    """
    begun = time.perf_counter()
    setup = prepare(recipe, _random_pixels(recipe, dataset), weights, Silent(), Clock())
    images, versions = setup.arrays.train.images, len(views_of(recipe.prediction))
    bottoms, network = _frozen_and_trained(setup)
    engines = [fastest(bottom) for bottom in bottoms]
    inputs = _inputs(network, [engine(images) for engine in engines], images)
    features = _seconds(lambda: [engine(images) for engine in engines]) / len(images) if engines else 0.0
    batches = -(-len(dataset.train) // len(images))
    step, predict = _of_network(network, inputs, setup, recipe.training.epochs * batches)
    start = time.perf_counter() - begun - len(images) * (features + step + predict)
    if isinstance(recipe.model, ProbeConfig) and recipe.model.fine_tune is None:
        step = _FIT_SECONDS
    return Rates(max(start, 0.0), decode_seconds(dataset.train, recipe), versions * features, step, versions * predict)


def _frozen_and_trained(setup: TrainSetup) -> tuple[list[keras.Model], keras.Model]:
    """The models whose outputs are computed once for each image, and the network that is trained."""
    config = setup.recipe.model
    part = config.fine_tune if isinstance(config, ProbeConfig) else None
    if part == LAST:
        tuned = split_below_tuned(setup.model)
        optimizer, soft = setup.model.network.optimizer, setup.recipe.soft_targets
        setup.task.compile(tuned.top.network, optimizer, soft_targets=soft)
        return [tuned.bottom, *extractors(setup.model)], tuned.top.network
    if setup.model.is_frozen:
        return extractors(setup.model), head_of(setup)
    return (extractors(setup.model) if part else []), setup.network


def _inputs(network: keras.Model, frozen: list[np.ndarray], images: np.ndarray) -> np.ndarray:
    """The network's inputs: the feature map below its layers, the features of all backbones, or the images."""
    shape = network.input_shape[1:]
    if frozen and frozen[0].shape[1:] == shape:
        return frozen[0]
    return images if images.shape[1:] == shape else np.concatenate(frozen, axis=1)


def decode_seconds(split: Split, recipe: Recipe) -> float:
    """Seconds to decode one image at the recipe's size, with all threads; 0 for arrays of that size."""
    size, channels, images = recipe.data.image_size, recipe.data.channels, split.images
    if size is None or isinstance(images, np.ndarray):
        return 0.0
    paths = [images[row] for row in range(0, len(images), max(1, len(images) // _SAMPLE))]

    def decoded(path: Path) -> None:
        with suppress(UnreadableImageError, OSError):
            decode(path, size, channels)

    with quiet_pillow(), thread_pool() as pool:
        return _seconds(lambda: list(pool.map(decoded, paths))) / len(paths)


def _of_network(network: keras.Model, inputs: np.ndarray, setup: TrainSetup, planned: int) -> tuple[float, float]:
    """Seconds of one image in training and in prediction, compiled for the planned number of steps."""
    batch, precision = len(inputs), setup.recipe.training.precision
    _, targets = setup.loaders.train.batch(0, 0)
    steps = steps_for(network, batch, planned, choices_for(network, batch, planned, precision))

    def train() -> None:
        with mixed_precision(network, precision):
            steps.train(inputs, targets)
        steps.result()

    train()
    steps.predict(inputs)
    return _seconds(train) / batch, _seconds(lambda: steps.predict(inputs)) / batch


def _random_pixels(recipe: Recipe, dataset: Dataset) -> Dataset:
    """A dataset of the same classes or labels, or of numbers, with one training batch: nothing is decoded or cached."""
    assert recipe.data.image_size is not None
    count = recipe.training.batch_size
    shape = (count, *recipe.data.image_size, recipe.data.channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    classes = len(dataset.classes)
    labels = np.arange(count) % classes if classes else np.arange(count, dtype=np.float32)
    if dataset.has_several_labels:
        labels = as_rows([(row % classes,) for row in range(count)], classes)
    part = Split(tuple(map(str, range(count))), labels, pixels)
    return Dataset(dataset.name, dataset.classes, part, part)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
