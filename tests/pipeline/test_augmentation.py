"""Augmentation agrees with Keras's legacy ImageDataGenerator on real photographs, by its counters alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.augmentation import FILL_MODES, Augmentation
from greycard.pipeline.loader import Loader
from greycard.pipeline.warp import Transform, draw, warp

EVERYTHING = Augmentation(
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=15,
    zoom_range=0.2,
    horizontal_flip=True,
    vertical_flip=True,
    brightness_range=(0.7, 1.3),
)

PARAMETERS = {
    "rotation": {"rotation": 33.0},
    "negative rotation": {"rotation": -17.5},
    "horizontal shift": {"shift_x": 27.4},
    "vertical shift": {"shift_y": -19.6},
    "shear": {"shear": 20.0},
    "zoom in": {"zoom_x": 0.81, "zoom_y": 0.93},
    "zoom out": {"zoom_x": 1.19, "zoom_y": 1.05},
    "horizontal flip": {"flip_x": True},
    "vertical flip": {"flip_y": True},
    "brightness": {"brightness": 1.27},
    "darker": {"brightness": 0.6},
    "all at once": {
        "rotation": 31.0,
        "shift_x": -20.5,
        "shift_y": 14.2,
        "shear": 12.0,
        "zoom_x": 1.14,
        "zoom_y": 0.88,
        "flip_x": True,
        "brightness": 0.9,
    },
}


def _photographs() -> list[np.ndarray]:
    """Two real photographs that come with scikit-learn, 150×150."""
    return [np.asarray(Image.fromarray(image).resize((150, 150))) for image in load_sample_images().images]


def _keras(image: np.ndarray, drawn: Transform, fill_mode: str) -> np.ndarray:
    """The same drawn parameters through Keras's legacy generator; its tx moves columns and ty rows."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    parameters = {
        "theta": drawn.rotation,
        "tx": drawn.shift_x,
        "ty": drawn.shift_y,
        "shear": drawn.shear,
        "zx": drawn.zoom_x,
        "zy": drawn.zoom_y,
        "flip_horizontal": drawn.flip_x,
        "flip_vertical": drawn.flip_y,
        "brightness": drawn.brightness,
    }
    return ImageDataGenerator(fill_mode=fill_mode).apply_transform(image.astype("float32"), parameters)


@pytest.mark.parametrize("fill_mode", FILL_MODES)
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_agrees_with_image_data_generator(name: str, fill_mode: str) -> None:
    drawn = Transform(**PARAMETERS[name])
    for photograph in _photographs():
        difference = warp(photograph, drawn, fill_mode).astype(float) - _keras(photograph, drawn, fill_mode)
        assert np.abs(difference).mean() < 1


@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_agrees_without_a_shift(name: str) -> None:
    """Moving either image by a pixel fits worse than leaving it."""
    drawn, photograph = Transform(**PARAMETERS[name]), _photographs()[0]
    ours, theirs = warp(photograph, drawn).astype(float), np.asarray(_keras(photograph, drawn, "nearest"))
    inner = (slice(20, -20), slice(20, -20))
    fits = {
        (dy, dx): np.abs(np.roll(ours, (dy, dx), (0, 1))[inner] - theirs[inner]).mean()
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    }
    assert min(fits, key=lambda shift: fits[shift]) == (0, 0)


@given(st.integers(0, 2**31), st.integers(0, 500), st.integers(1, 40), st.integers(1, 40))
def test_an_images_draw_depends_on_seed_epoch_and_image_alone(seed: int, epoch: int, count: int, more: int) -> None:
    few = draw(EVERYTHING, seed=seed, epoch=epoch, count=count, size=(60, 80))
    many = draw(EVERYTHING, seed=seed, epoch=epoch, count=count + more, size=(60, 80))
    assert many[:count] == few


def test_seed_and_epoch_draw_anew() -> None:
    first, second, other = (
        draw(EVERYTHING, seed=s, epoch=e, count=5, size=(60, 80)) for s, e in ((0, 0), (0, 1), (1, 0))
    )
    assert first != second
    assert first != other


@given(st.integers(0, 2**31))
def test_draws_stay_in_their_ranges(seed: int) -> None:
    for drawn in draw(EVERYTHING, seed=seed, epoch=0, count=20, size=(100, 200)):
        assert abs(drawn.rotation) <= 40
        assert abs(drawn.shift_x) <= 40
        assert abs(drawn.shift_y) <= 20
        assert abs(drawn.shear) <= 15
        assert 0.8 <= drawn.zoom_x <= 1.2
        assert drawn.brightness is not None
        assert 0.7 <= drawn.brightness <= 1.3


def test_nothing_drawn_changes_nothing() -> None:
    image = _photographs()[0]
    drawn = draw(Augmentation(), seed=3, epoch=1, count=1, size=(150, 150))[0]
    assert np.array_equal(warp(image, drawn), image)


def test_grey_images_keep_their_shape() -> None:
    image = _photographs()[0][:, :, :1]
    for fill_mode in FILL_MODES:
        assert warp(image, Transform(rotation=10, brightness=1.1), fill_mode).shape == image.shape


def _pixels(count: int = 23) -> ArraySplit:
    images = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    return ArraySplit(tuple(map(str, range(count))), np.arange(count), images)


@given(st.integers(1, 30), st.integers(0, 5), st.integers(0, 1000))
def test_every_epoch_has_every_image_once(batch_size: int, epoch: int, seed: int) -> None:
    batches = Loader(_pixels(), batch_size, shuffle=True, seed=seed)
    seen = np.concatenate([batches.batch(epoch, index)[1] for index in range(len(batches))])
    assert sorted(seen) == list(range(23))


def test_batches_are_the_same_whoever_asks_and_in_whatever_order() -> None:
    def batch(epoch: int, index: int) -> np.ndarray:
        return Loader(_pixels(), 5, shuffle=True, seed=1, augmentation=EVERYTHING).batch(epoch, index)[0]

    whole = Loader(_pixels(), 5, shuffle=True, seed=1, augmentation=EVERYTHING)
    for epoch, index in ((2, 4), (0, 0), (1, 3), (0, 4)):
        assert np.array_equal(whole.batch(epoch, index)[0], batch(epoch, index))
    assert not np.array_equal(batch(0, 0), batch(1, 0))


def test_the_contact_sheet_shows_originals_and_changes(cli, images: Path) -> None:
    outcome = cli("show", images, "--augmented", "--set", "image_size=32", "--set", "shear_range=0.2")
    assert outcome.code == 0
    assert "note: shear_range=0.2 means 0.2 degrees" in outcome.err
    sheet = np.asarray(Image.open(outcome.out.strip()))
    assert sheet.shape == (6 * 40, 6 * 40, 3)
    assert not np.array_equal(sheet[:40, :40], sheet[:40, 40:80])
