"""Batches in parts: any number of workers computes the same bits, on every backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from greycard import backend
from greycard.backend.averaging import WeightAverage
from greycard.backend.exchange import Alone
from greycard.backend.part_steps import PartSteps
from greycard.backend.steps import KerasSteps
from greycard.backend.tree import part_bounds, tree_sum
from greycard.core.errors import GreycardError
from greycard.models.build import build_model
from greycard.models.graph import functional
from greycard.models.stated import stated
from greycard.recipe import Recipe
from greycard.training.parts import expect_parts

DENSE = Recipe.make(name="d", dataset="d", image_size=(8, 8), dense=(12,), batch_size=8)
RESNET = DENSE.replace(**{"model.kind": "resnet", "width": 4, "blocks": (1,), "model.dropout": 0.3})
"""Batch norm, dropout and Adam."""

IMAGES, BATCH, PARTS = 11, 8, 4
"""The last batch has 3 images: one part is empty."""

pytestmark = pytest.mark.small_project


class Seat:
    """A worker's place in a group whose exchange the test does itself."""

    def __init__(self, rank: int, workers: int) -> None:
        self.rank, self.workers = rank, workers

    def total(self, values: np.ndarray) -> np.ndarray:
        raise AssertionError

    def gather(self, content: bytes) -> list[bytes]:
        raise AssertionError


class Worker:
    """A model with its steps."""

    def __init__(self, recipe: Recipe, exchange: Any) -> None:
        backend.seed_everything(5)
        self.model = build_model(recipe, 3).network
        self.average = WeightAverage(self.model, 0.9)
        self.steps = PartSteps(self.model, PARTS, 7, exchange, self.average)

    def numbers(self) -> list[np.ndarray]:
        """All weights and averages."""
        averages = [np.array(keras.ops.convert_to_numpy(each)) for each in self.average.variables]
        return [*self.model.get_weights(), *averages]


def _data() -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    return draws.integers(0, 256, (IMAGES, 8, 8, 3), dtype=np.uint8), draws.integers(0, 3, IMAGES)


def _epochs(worker: Worker, images: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """The figures of two epochs of a worker alone."""
    figures = []
    for _ in range(2):
        for first in range(0, IMAGES, BATCH):
            worker.steps.train(images[first : first + BATCH], labels[first : first + BATCH])
        figures.append(worker.steps.result())
    return figures


def _epochs_together(group: list[Worker], images: np.ndarray, labels: np.ndarray) -> list[list[dict[str, float]]]:
    """The figures of two epochs of each worker of a group."""
    figures = []
    for _ in range(2):
        for first in range(0, IMAGES, BATCH):
            batch = images[first : first + BATCH], labels[first : first + BATCH]
            sums = [worker.steps.own_sum(*batch) for worker in group]
            total = tree_sum(sums.__getitem__, 0, len(group))
            for worker in group:
                worker.steps.apply(total, len(batch[0]))
        figures.append([worker.steps.result() for worker in group])
    return figures


@pytest.mark.parametrize(("recipe", "workers"), [(RESNET, 2), (DENSE.replace(dropout=0.3), 4)])
def test_workers_have_the_bits_of_one(recipe: Recipe, workers: int) -> None:
    images, labels = _data()
    alone = Worker(recipe, Alone())
    figures = _epochs(alone, images, labels)
    group = [Worker(recipe, Seat(rank, workers)) for rank in range(workers)]
    assert _epochs_together(group, images, labels) == [[each] * workers for each in figures]
    expected = alone.numbers()
    for worker in group:
        assert all(map(np.array_equal, worker.numbers(), expected))
    assert np.array_equal(group[-1].steps.predict(images), alone.steps.predict(images))


def test_without_dropout_and_batch_norm_parts_change_rounding_only() -> None:
    images, labels = _data()
    backend.seed_everything(5)
    model = build_model(DENSE, 3).network
    plain, worker = KerasSteps(model), Worker(DENSE, Alone())
    for first in range(0, IMAGES, BATCH):
        for steps in (plain, worker.steps):
            steps.train(images[first : first + BATCH], labels[first : first + BATCH])
    assert worker.steps.result() == pytest.approx(plain.result(), rel=1e-3)
    for ours, theirs in zip(worker.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-4)


def test_dropout_differs_from_part_to_part_and_from_step_to_step() -> None:
    images, labels = _data()
    same = np.repeat(images[:1], BATCH, axis=0), np.repeat(labels[:1], BATCH)
    recipe = DENSE.replace(dropout=0.5)
    one, other = (Worker(recipe, Seat(rank, PARTS)) for rank in (0, 1))
    first = one.steps.own_sum(*same)
    assert np.array_equal(one.steps.own_sum(*same), first)
    assert not np.array_equal(other.steps.own_sum(*same), first)
    one.steps.apply(np.zeros_like(first), BATCH)  # no gradient: the weights are the same, and it is another step
    assert not np.array_equal(one.steps.own_sum(*same), first)


def test_frozen_weights_are_neither_exchanged_nor_changed() -> None:
    """Only gradients, statistics of batch norm that is not frozen, the loss and the number of right answers are."""
    images, labels = _data()
    layers = keras.layers
    frozen = [layers.Conv2D(5, 3, trainable=False), layers.BatchNormalization(trainable=False)]
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), *frozen, layers.BatchNormalization(), layers.Flatten(), layers.Dense(3, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [np.array(each) for layer in frozen for each in layer.get_weights()]
    steps, norm = PartSteps(model, PARTS, 7, Alone()), model.layers[2]
    total = steps.own_sum(images[:BATCH], labels[:BATCH])
    assert len(total) == model.count_params() - sum(layer.count_params() for layer in frozen) + 2
    steps.apply(total, BATCH)
    after = [each for layer in frozen for each in layer.get_weights()]
    assert all(map(np.array_equal, after, before))
    assert np.any(keras.ops.convert_to_numpy(norm.moving_mean))


def test_a_layer_that_changes_its_own_weights_is_refused() -> None:
    layers = keras.layers
    norm = layers.SpectralNormalization(layers.Conv2D(4, 3))
    graph = functional(keras.Sequential([keras.Input((8, 8, 3)), norm, layers.Flatten(), layers.Dense(3, "softmax")]))
    assert graph is not None
    graph.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with pytest.raises(GreycardError, match="kernel by itself in training, which cannot be computed in parts"):
        expect_parts(DENSE.replace(parts=2), stated(graph))


def test_parts_differ_by_one_image_at_most() -> None:
    assert [each.stop - each.start for each in part_bounds(30, 4)] == [8, 8, 7, 7]
    assert [each.stop - each.start for each in part_bounds(3, 4)] == [1, 1, 1, 0]
    assert part_bounds(32, 1) == [slice(0, 32)]


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_shares_of_a_tree_are_summed_as_the_tree(workers: int) -> None:
    terms = np.random.default_rng(0).standard_normal((8, 1000)).astype(np.float32)
    mine = 8 // workers
    shares = [tree_sum(terms.__getitem__, rank * mine, mine) for rank in range(workers)]
    assert np.array_equal(tree_sum(shares.__getitem__, 0, workers), tree_sum(terms.__getitem__, 0, 8))
    in_order = terms[0]
    for term in terms[1:]:
        in_order = in_order + term
    assert not np.array_equal(in_order, tree_sum(terms.__getitem__, 0, 8))  # so the order has to be fixed
