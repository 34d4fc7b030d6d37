"""Crops, colours, TrivialAugment and cutout: each does what it says, by (seed, epoch, image) alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images

from greycard import Augmentation
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augment import augmenter
from greycard.pipeline.augmentation import FILL_MODES
from greycard.pipeline.colour import jitter
from greycard.pipeline.crop import crop, draw_crops
from greycard.pipeline.cutout import cut_out
from greycard.pipeline.loader import Loader
from greycard.pipeline.trivial import OPERATIONS, apply_operation, draw_operations
from greycard.pipeline.warp import Transform, draw, warp
from greycard.pipeline.window import Window, draw_windows

OLD = Augmentation(
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=15,
    zoom_range=0.2,
    horizontal_flip=True,
    vertical_flip=True,
    brightness_range=(0.7, 1.3),
)
NEW = {
    "contrast_range": (0.8, 1.2),
    "saturation_range": (0.5, 1.5),
    "hue_range": 20.0,
    "crop_padding": 3,
    "crop_scale": (0.5, 1.0),
    "cutout": 0.3,
    "trivial": True,
}
_factors = st.none() | st.tuples(st.floats(0.1, 1), st.floats(1, 3))
AUGMENTATIONS = st.builds(
    Augmentation,
    rotation_range=st.sampled_from([0, 90]),
    horizontal_flip=st.booleans(),
    brightness_range=_factors,
    contrast_range=_factors,
    saturation_range=_factors,
    hue_range=st.floats(0, 180),
    crop_padding=st.integers(0, 7),
    crop_scale=st.none() | st.tuples(st.floats(0.01, 0.5), st.floats(0.5, 1)),
    cutout=st.floats(0, 0.99),
    trivial=st.booleans(),
    fill_mode=st.sampled_from(FILL_MODES),
)
NUMPY_PAD = {"nearest": "edge", "reflect": "symmetric", "wrap": "wrap", "constant": "constant"}


def _noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _photograph() -> np.ndarray:
    return np.asarray(Image.fromarray(load_sample_images().images[0]).resize((150, 150)))


def _mean_difference(one: np.ndarray, other: object) -> float:
    return float(np.abs(one.astype(float) - np.asarray(other, float).reshape(one.shape)).mean())


@pytest.mark.parametrize("fields", [{}, NEW], ids=["alone", "with the new fields"])
def test_published_draws_are_unchanged(fields: dict[str, object]) -> None:
    """The values that Greycard drew before the new fields existed."""
    drawn = draw(replace(OLD, **fields), seed=3, epoch=2, count=8, size=(40, 60))[7]
    assert replace(drawn, window=None) == Transform(
        rotation=-3.2243809398970846,
        shift_x=-0.11327294361701945,
        shift_y=6.288862045336755,
        shear=4.100702975600835,
        zoom_x=0.9798798953873559,
        zoom_y=0.8514405365898569,
        flip_x=False,
        flip_y=True,
        brightness=1.00699267149971,
    )


@given(AUGMENTATIONS, st.sampled_from([(8, 8), (9, 14), (28, 20)]), st.sampled_from([1, 3]), st.integers(0, 99))
def test_a_change_keeps_shape_and_dtype_and_the_input(
    augmentation: Augmentation, size: tuple[int, int], channels: int, seed: int
) -> None:
    images = _noise(4, *size, channels)
    before = images.copy()
    augment, more = (augmenter(augmentation, seed=seed, epoch=1, count=count, size=size) for count in (4, 9))
    for row, image in enumerate(images):
        changed = augment(image, row)
        assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
        assert not np.shares_memory(changed, image)
        assert np.array_equal(changed, more(image, row))
    assert np.array_equal(images, before)


@pytest.mark.parametrize("threads", ["1", "3"])
@pytest.mark.parametrize("field", NEW)
def test_any_number_of_threads_gives_the_same_batches(
    field: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREYCARD_THREADS", threads)
    split = ArraySplit(tuple(map(str, range(23))), np.arange(23), _noise(23, 16, 16, 3))
    augmentation = Augmentation(**{field: NEW[field]})
    loader = Loader(split, 5, shuffle=True, seed=1, augmentation=augmentation)
    whole, one_by_one = list(loader.epoch(2)), [loader.batch(2, index)[0] for index in range(len(loader))]
    assert all(np.array_equal(one, other) for (one, _), other in zip(whole, one_by_one, strict=True))
    assert not np.array_equal(loader.batch(1, 0)[0], loader.batch(2, 0)[0])


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@given(corner=st.tuples(st.integers(0, 8), st.integers(0, 8)), channels=st.sampled_from([1, 3]))
def test_a_crop_moves_whole_pixels(fill_mode: str, corner: tuple[int, int], channels: int) -> None:
    image, (row, column) = _noise(9, 12, channels), corner
    padded = np.pad(image, ((4, 4), (4, 4), (0, 0)), NUMPY_PAD[fill_mode])
    assert np.array_equal(crop(image, corner, 4, fill_mode), padded[row : row + 9, column : column + 12])


def test_every_crop_is_drawn() -> None:
    drawn = draw_crops(2, seed=0, epoch=0, count=2000)
    counts = [drawn.count((row, column)) for row in range(5) for column in range(5)]
    assert sum(counts) == 2000
    assert min(counts) > 40


@given(st.booleans(), st.booleans(), st.sampled_from([1, 3]))
def test_a_flip_moves_whole_pixels(flip_x: bool, flip_y: bool, channels: int) -> None:
    image = _noise(7, 10, channels)
    wanted = image[:: -1 if flip_y else 1, :: -1 if flip_x else 1]
    assert np.array_equal(warp(image, Transform(flip_x=flip_x, flip_y=flip_y)), wanted)


@given(st.floats(0.05, 1), st.floats(0, 0.95), st.integers(0, 2**31))
def test_windows_lie_inside_the_image(low: float, more: float, seed: int) -> None:
    high = min(low + more, 1.0)
    for window in draw_windows((low, high), seed=seed, epoch=0, count=20):
        assert window is not None
        assert low - 1e-9 <= window.width * window.height <= high + 1e-9
        assert 3 / 4 - 1e-9 <= window.width / window.height <= 4 / 3 + 1e-9
        assert 0 <= window.left <= window.left + window.width <= 1 + 1e-9
        assert 0 <= window.top <= window.top + window.height <= 1 + 1e-9


def test_a_window_is_enlarged_to_the_image() -> None:
    image = _photograph()
    quarter = Image.fromarray(image[75:, :75]).resize((150, 150), Image.Resampling.BILINEAR)
    enlarged = warp(image, Transform(window=Window(0, 0.5, 0.5, 0.5)))
    assert _mean_difference(enlarged[2:-2, 2:-2], np.asarray(quarter)[2:-2, 2:-2]) < 0.5
    assert np.array_equal(warp(image, Transform(window=Window(0, 0, 1, 1))), image)


def test_cutout_covers_one_square_with_the_mean() -> None:
    image = _noise(20, 30, 3)
    covered = cut_out(image.copy(), (10, 12), 0.5)
    assert (covered[5:15, 7:17] == np.rint(image.mean((0, 1)))).all()
    covered[5:15, 7:17] = image[5:15, 7:17]
    assert np.array_equal(covered, image)
    at_the_corner = cut_out(image.copy(), (0, 29), 0.5)
    assert (at_the_corner != image).any(axis=2).nonzero()[0].max() == 4
    assert (at_the_corner != image).any(axis=2).nonzero()[1].min() == 24


def test_contrast_saturation_and_hue() -> None:
    image = _photograph()
    grey = image @ np.array([0.299, 0.587, 0.114])
    assert np.array_equal(jitter(image, (1, 1, 0)), image)
    assert _mean_difference(jitter(image, (0.5, 1, 0)), ImageEnhance.Contrast(Image.fromarray(image)).enhance(0.5)) < 1
    assert _mean_difference(jitter(image, (1, 0.3, 0)), ImageEnhance.Color(Image.fromarray(image)).enhance(0.3)) < 1
    assert _mean_difference(jitter(image, (1, 0, 0)), np.repeat(grey[..., None], 3, 2)) < 1
    pale = (image // 4 + 96).astype(np.uint8)  # far from 0 and 255, where values would be cut off
    turned = jitter(pale, (1, 1, 120))
    assert _mean_difference(turned @ np.array([0.299, 0.587, 0.114]), pale @ np.array([0.299, 0.587, 0.114])) < 1
    assert _mean_difference(jitter(jitter(turned, (1, 1, 120)), (1, 1, 120)), pale) < 2
    assert _mean_difference(turned, pale) > 3
    red = np.full((2, 2, 3), (200, 100, 100), np.uint8)
    assert jitter(red, (1, 1, 120))[0, 0].argmax() == 1


@given(st.floats(0, 2), st.floats(-180, 180))
def test_a_grey_image_has_no_saturation_and_no_hue(saturation: float, hue: float) -> None:
    grey = _noise(6, 5, 1)
    assert np.array_equal(jitter(grey, (1, saturation, hue)), grey)
    assert _mean_difference(jitter(grey.repeat(3, 2), (1, saturation, hue)), grey.repeat(3, 2)) < 1


_PILLOW: dict[str, Callable[[Image.Image], Image.Image]] = {
    "identity": lambda image: image,
    "autocontrast": ImageOps.autocontrast,
    "solarize": lambda image: ImageOps.solarize(image, 128),
    "posterize": lambda image: ImageOps.posterize(image, 6),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.45),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.45),
    "color": lambda image: ImageEnhance.Color(image).enhance(1.45),
    "sharpness": lambda image: ImageEnhance.Sharpness(image).enhance(1.45),
    "rotate": lambda image: image.rotate(15, Image.Resampling.BILINEAR),
    "shear_x": lambda image: _pillow_affine(image, (1, 0.15, -0.15 * 75, 0, 1, 0)),
    "shear_y": lambda image: _pillow_affine(image, (1, 0, 0, 0.15, 1, -0.15 * 75)),
    "translate_x": lambda image: _pillow_affine(image, (1, 0, 150 * 5 / 32, 0, 1, 0)),
    "translate_y": lambda image: _pillow_affine(image, (1, 0, 0, 0, 1, 150 * 5 / 32)),
}


def _pillow_affine(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "equalize"])
def test_operations_agree_with_pillow(name: str, channels: int) -> None:
    image = (_photograph()[..., :channels] // 2 + 40).astype(np.uint8)
    wanted = _PILLOW[name](Image.fromarray(image if channels == 3 else image[..., 0]))
    changed = apply_operation(image, (OPERATIONS.index(name), 0.5), "constant")
    assert changed.shape == image.shape
    assert _mean_difference(changed, wanted) < 1.5


@pytest.mark.parametrize("channels", [1, 3])
def test_equalize_spreads_each_channel_evenly(channels: int) -> None:
    """Pillow has another rule for values that many pixels share."""
    image = (_photograph()[..., :channels] // 2 + 40).astype(np.uint8)
    changed = apply_operation(image, (OPERATIONS.index("equalize"), 0.5), "constant")
    for channel in np.moveaxis(changed, 2, 0):
        share_below = [float((channel <= value).mean()) for value in np.unique(channel)]
        assert np.abs(np.array(share_below) - np.unique(channel) / 255).max() < 0.01


def test_every_operation_and_strength_is_drawn() -> None:
    drawn = draw_operations(seed=0, epoch=0, count=14_000)
    kinds = np.bincount([kind for kind, _ in drawn], minlength=len(OPERATIONS))
    assert len(kinds) == len(OPERATIONS) == 14
    assert kinds.min() > 800
    strengths = {round(30 * strength) for _, strength in drawn}
    assert strengths == set(range(-30, 31))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("crop_padding=2.5", "crop_padding must be a whole number of pixels"),
        ("crop_padding=32", "crop_padding must be below the 32 pixels of the images. Received: 32"),
        ("crop_scale=0.5,1.2", "crop_scale must be two shares of the area"),
        ("cutout=1", "cutout must be a fraction from 0 to below 1"),
        ("hue_range=200", "hue_range must be degrees from 0 to 180"),
        ("trivial=2", "trivial must be true or false"),
        ("contrast_range=1.2,0.8", "contrast_range must be two factors"),
    ],
)
def test_a_wrong_value_is_refused(setting: str, message: str, cli, images) -> None:
    outcome = cli("show", images, "--augmented", "--set", "image_size=32", "--set", setting)
    assert outcome.code == 2
    assert message in outcome.err
    assert "hint:" in outcome.err
