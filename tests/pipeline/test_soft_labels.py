"""Soft targets, MixUp, CutMix and balanced sampling keep their promises for every batch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greycard.core.randomness import ORDER, generator
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.loader import Batch, Loader
from greycard.pipeline.mixing import Draws, Mixing, draw_mixing, mix
from greycard.pipeline.sampling import balanced_order
from greycard.pipeline.targets import SoftTargets, class_weights, target_table

SEEDS = st.integers(0, 2**32 - 1)
PARAMETERS = st.sampled_from([0.0, 0.001, 0.2, 1.0, 100.0])
LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=60).map(np.array)
few = settings(max_examples=30)


def _split(labels: np.ndarray, seed: int = 0, channels: int = 3) -> ArraySplit:
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 9, 12, channels), dtype=np.uint8)
    return ArraySplit(tuple(map(str, range(len(labels)))), labels, images)


def _soft(labels: np.ndarray, smoothing: float = 0.0, mixing: Mixing | None = None) -> SoftTargets:
    return SoftTargets(target_table(class_weights(labels, 5), smoothing), mixing)


@few
@given(labels=LABELS, smoothing=st.floats(0, 0.99))
def test_the_target_of_a_class_sums_to_its_weight(labels: np.ndarray, smoothing: float) -> None:
    weights = class_weights(labels, 5)
    table = target_table(weights, smoothing)
    assert (table.dtype, table.shape) == (np.dtype("float32"), (5, 5))
    np.testing.assert_allclose(table.sum(axis=1), weights, rtol=1e-5)
    assert (table.argmax(axis=1) == np.arange(5)).all()
    others = table[~np.eye(5, dtype=bool)].reshape(5, 4)
    np.testing.assert_allclose(others, np.repeat(weights[:, None] * smoothing / 5, 4, axis=1), rtol=1e-5, atol=1e-7)


@few
@given(labels=LABELS)
def test_class_weights_make_all_classes_count_the_same(labels: np.ndarray) -> None:
    weights = class_weights(labels, 5)
    sums = np.bincount(labels, weights[labels], minlength=5)
    np.testing.assert_allclose(sums[np.unique(labels)], len(labels) / len(np.unique(labels)))
    assert weights[labels].mean() == pytest.approx(1)
    assert (weights > 0).all()


def test_class_weights_follow_the_formula() -> None:
    assert class_weights(np.array([0, 0, 0, 1]), 2).tolist() == [4 / (2 * 3), 4 / (2 * 1)]


@few
@given(labels=LABELS, seed=SEEDS)
def test_a_balanced_epoch_has_the_classes_equally_often(labels: np.ndarray, seed: int) -> None:
    rows = balanced_order(labels, generator(ORDER, seed))
    counts = np.bincount(labels[rows])[np.unique(labels)]
    assert len(rows) == len(labels)
    assert counts.max() - counts.min() <= 1
    for each in np.unique(labels):
        repeats = np.bincount(rows, minlength=len(labels))[labels == each]
        assert repeats.max() - repeats.min() <= 1
    assert np.array_equal(rows, balanced_order(labels, generator(ORDER, seed)))


def test_balanced_epochs_differ_and_reach_every_image() -> None:
    split = _split(np.repeat([0, 1], [40, 4]))
    loader = Loader(split, 11, shuffle=True, seed=3, balanced=True)
    epochs = [np.concatenate([loader.batch(epoch, index)[0] for index in range(len(loader))]) for epoch in range(20)]
    assert not np.array_equal(epochs[0], epochs[1])
    seen = {image.tobytes() for epoch in epochs for image in epoch}
    assert seen == {image.tobytes() for image in split.images}


def test_a_repeated_image_is_augmented_differently() -> None:
    split = _split(np.repeat([0, 1], [20, 1]))
    loader = Loader(split, 21, shuffle=True, balanced=True, augmentation=Augmentation(rotation_range=90))
    images, labels = loader.batch(0, 0)
    rare = images[labels == 1]
    assert len(rare) in (10, 11)
    assert len({image.tobytes() for image in rare}) == len(rare)


@few
@given(
    mixup=PARAMETERS,
    cutmix=PARAMETERS,
    smoothing=st.sampled_from([0.0, 0.1]),
    batch_size=st.integers(1, 30),
    seed=SEEDS,
    channels=st.sampled_from([1, 3]),
)
def test_mixing_keeps_pixels_in_range_and_weights_in_sum(
    mixup: float, cutmix: float, smoothing: float, batch_size: int, seed: int, channels: int
) -> None:
    """Each pixel lies between the same pixels of two images; each target sums to a value between their weights."""
    split = _split(np.arange(23) % 5, seed, channels)
    targets = _soft(split.labels, smoothing, Mixing(mixup, cutmix))
    plain = Loader(split, batch_size, shuffle=True, seed=seed)
    mixed = Loader(split, batch_size, shuffle=True, seed=seed, targets=targets)
    for index in range(len(plain)):
        (images, labels), (found, soft) = plain.batch(1, index), mixed.batch(1, index)
        assert (found.dtype, found.shape) == (np.dtype("uint8"), images.shape)
        assert (soft.dtype, soft.shape) == (np.dtype("float32"), (len(images), 5))
        pair = np.stack([images, np.roll(images, 1, axis=0)])
        assert ((pair.min(axis=0) <= found) & (found <= pair.max(axis=0))).all()
        weights = class_weights(split.labels, 5)[labels]
        sums = np.stack([weights, np.roll(weights, 1)])
        assert (sums.min(axis=0) - 1e-5 <= soft.sum(axis=1)).all()
        assert (soft.sum(axis=1) <= sums.max(axis=0) + 1e-5).all()


def _draws(cut: bool, share: float, centre: tuple[float, float] = (0.5, 0.5)) -> Draws:
    return Draws(np.array([cut] * 2), np.array([share] * 2), np.array([centre] * 2))


def test_mixup_is_the_weighted_mean_of_images_and_targets() -> None:
    images, targets = np.stack([np.full((4, 6, 3), value, np.uint8) for value in (0, 200)]), np.eye(2, dtype=np.float32)
    mixed, soft = mix(images, targets, _draws(False, 0.75), 2)
    assert mixed[:, 0, 0, 0].tolist() == [50, 150]
    assert soft.tolist() == [[0.75, 0.25], [0.25, 0.75]]
    assert images[0].max() == 0  # the input is not changed


@pytest.mark.parametrize(
    ("share", "centre", "area"),
    [(0.75, (0.5, 0.5), 0.25), (0.75, (0, 0), 0.0625), (0.0, (0.5, 0.5), 1.0), (1.0, (0.2, 0.9), 0.0)],
)
def test_cutmix_pastes_a_rectangle_and_shares_the_target_by_its_area(
    share: float, centre: tuple[float, float], area: float
) -> None:
    """At the border only a part of the rectangle lies in the image."""
    images = np.stack([np.full((8, 16, 1), value, np.uint8) for value in (0, 255)])
    mixed, soft = mix(images, np.eye(2, dtype=np.float32), _draws(True, share, centre), 2)
    assert np.mean(mixed[0] == 255) == area
    assert soft[0].tolist() == [1 - area, area]
    rows, columns = np.nonzero(mixed[0, :, :, 0])
    assert not area or mixed[0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].min() == 255


def test_one_of_both_methods_is_drawn_for_each_batch() -> None:
    draws = draw_mixing(Mixing(0.2, 1.0), seed=0, epoch=0, count=4003, batch_size=4)
    batches = [draws.cut[start : start + 4] for start in range(0, 4003, 4)]
    assert all(len(set(batch.tolist())) == 1 for batch in batches)
    assert 0.45 < draws.cut.mean() < 0.55
    assert not draw_mixing(Mixing(0.2, 0), seed=0, epoch=0, count=99, batch_size=4).cut.any()
    assert draw_mixing(Mixing(0, 1.0), seed=0, epoch=0, count=99, batch_size=4).cut.all()


def test_shares_have_the_variance_of_their_beta_distribution() -> None:
    for alpha in (0.2, 1.0, 8.0):
        shares = draw_mixing(Mixing(alpha), seed=1, epoch=0, count=20000, batch_size=32).shares
        assert shares.mean() == pytest.approx(0.5, abs=0.02)
        assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)


def test_features_are_mixed_as_numbers() -> None:
    features, targets = np.array([[0, 2], [4, -2]], np.float32), np.eye(2, dtype=np.float32)
    mixed, soft = mix(features, targets, _draws(False, 0.25), 2)
    assert (mixed.dtype, mixed.tolist()) == (np.dtype("float32"), [[3, -1], [1, 1]])
    assert soft.tolist() == [[0.25, 0.75], [0.75, 0.25]]


@few
@given(steps=st.integers(1, 9), start=st.integers(0, 3), seed=SEEDS)
def test_a_batch_depends_on_seed_epoch_and_index_alone(steps: int, start: int, seed: int) -> None:
    """For any number of batches per step, with threads and without, and from the middle of an epoch."""

    def loader() -> Loader:
        split = _split(np.arange(23) % 5)
        options = {"targets": _soft(split.labels, 0.1, Mixing(0.4, 1.0)), "balanced": True}
        return Loader(split, 4, shuffle=True, seed=seed, augmentation=Augmentation(rotation_range=20), **options)

    whole = loader()
    single = [whole.batch(2, index) for index in range(len(whole))][start * steps :]
    joined = list(loader().epoch(2, steps, start * steps))
    assert _joined(joined) == _joined(single)


def _joined(batches: list[Batch]) -> list[bytes]:
    return [b"".join(part.tobytes() for part in parts) for parts in zip(*batches, strict=True)]
