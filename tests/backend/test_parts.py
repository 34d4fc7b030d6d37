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
from greycard.models.build import build_model
from greycard.recipe import Recipe

MLP = Recipe.make(name="d", dataset="d", image_size=(8, 8), dense=(12,), batch_size=8)
RECIPES = {
    "batch norm and dropout": MLP.replace(
        **{"model.kind": "resnet", "width": 4, "blocks": (1,), "model.dropout": 0.3, "optimizer": "adam"}
    ),
    "convolutions": MLP.replace(conv=(4,), feature_dropout=0.2, dropout=0.2, optimizer="adam", clip_norm=0.5),
}
IMAGES, BATCH, PARTS = 22, 8, 4
"""The last batch has 6 images: parts of 2, 2, 1 and 1."""

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

    def numbers(self, images: np.ndarray) -> list[np.ndarray]:
        """All weights, averages and predictions."""
        averages = [np.array(keras.ops.convert_to_numpy(each)) for each in self.average.variables]
        return [*self.model.get_weights(), *averages, self.steps.predict(images)]


def _data() -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(3)
    return draws.integers(0, 256, (IMAGES, 8, 8, 3), dtype=np.uint8), draws.integers(0, 3, IMAGES)


def _trained(recipe: Recipe, workers: int) -> tuple[list[list[np.ndarray]], list[dict[str, float]]]:
    """The numbers of each worker after two epochs, and the first one's figures."""
    group = [Worker(recipe, Seat(rank, workers)) for rank in range(workers)]
    images, labels = _data()
    figures = []
    for _ in range(2):
        for first in range(0, IMAGES, BATCH):
            batch = images[first : first + BATCH], labels[first : first + BATCH]
            sums = [worker.steps.own_sum(*batch) for worker in group]
            total = tree_sum(sums.__getitem__, 0, workers)
            for worker in group:
                worker.steps.apply(total, len(batch[0]))
        results = [worker.steps.result() for worker in group]
        figures.append(results[0])
    return [worker.numbers(images) for worker in group], figures


@pytest.mark.parametrize("name", RECIPES)
def test_two_and_four_workers_have_the_bits_of_one(name: str) -> None:
    (alone,), figures = _trained(RECIPES[name], 1)
    for workers in (2, 4):
        group, same = _trained(RECIPES[name], workers)
        assert same == figures
        for numbers in group:
            assert all(map(np.array_equal, numbers, alone))


def test_a_worker_alone_does_the_same_by_train() -> None:
    recipe, (images, labels) = RECIPES["batch norm and dropout"], _data()
    (expected,), figures = _trained(recipe, 1)
    worker, found = Worker(recipe, Alone()), []
    for _ in range(2):
        for first in range(0, IMAGES, BATCH):
            worker.steps.train(images[first : first + BATCH], labels[first : first + BATCH])
        found.append(worker.steps.result())
    assert found == figures
    assert all(map(np.array_equal, worker.numbers(images), expected))


def test_without_dropout_and_batch_norm_parts_change_rounding_only() -> None:
    recipe, (images, labels) = MLP.replace(conv=(4,)), _data()
    backend.seed_everything(5)
    keras_model = build_model(recipe, 3).network
    plain, worker = KerasSteps(keras_model), Worker(recipe, Alone())
    for first in range(0, IMAGES, BATCH):
        for steps in (plain, worker.steps):
            steps.train(images[first : first + BATCH], labels[first : first + BATCH])
    assert worker.steps.result() == pytest.approx(plain.result(), rel=1e-3)
    for ours, theirs in zip(worker.model.get_weights(), keras_model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-4)


def test_dropout_differs_from_part_to_part_and_from_step_to_step() -> None:
    recipe, (images, labels) = RECIPES["convolutions"], _data()
    worker = Worker(recipe, Seat(0, 1))
    same = np.repeat(images[:1], BATCH, axis=0), np.repeat(labels[:1], BATCH)
    first, again = (worker.steps.own_sum(*same) for _ in range(2))
    assert np.array_equal(first, again)
    shares = [Worker(recipe, Seat(rank, PARTS)).steps.own_sum(*same) for rank in range(PARTS)]
    assert not any(np.array_equal(shares[0], other) for other in shares[1:])
    worker.steps.apply(np.zeros_like(first), BATCH)  # no gradient: the weights are the same, and it is another step
    assert not np.array_equal(worker.steps.own_sum(*same), first)


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
