"""Apply augmentation: random values that depend only on (seed, epoch, image), and one affine warp per image.

The matrix is that of Keras's legacy ImageDataGenerator (rotation, then shift, shear, zoom, about the centre), so the
same parameters give the same images. OpenCV needs one pass over uint8 pixels; SciPy needed three.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from greycard.core.randomness import AUGMENTATION, between, generator
from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.window import Window, draw_windows

_DRAWS_PER_IMAGE = 9


@dataclass(frozen=True)
class Transform:
    """The random transform of one image: angles in degrees, shifts in pixels, zoom and brightness as factors.

    The window is cut out of the image that the other changes give.
    """

    rotation: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    shear: float = 0.0
    zoom_x: float = 1.0
    zoom_y: float = 1.0
    flip_x: bool = False
    flip_y: bool = False
    brightness: float | None = None

    window: Window | None = None

    @property
    def moves(self) -> bool:
        """True if the transform moves any pixel."""
        return self.resamples or self.flip_x or self.flip_y

    @property
    def resamples(self) -> bool:
        """True if the transform needs interpolation; flips do not."""
        still = (self.rotation, self.shift_x, self.shift_y, self.shear) == (0, 0, 0, 0)
        return not (still and (self.zoom_x, self.zoom_y) == (1, 1) and self.window is None)


def draw(augmentation: Augmentation, *, seed: int, epoch: int, count: int, size: tuple[int, int]) -> list[Transform]:
    """The transforms of images 0 to count - 1 in one epoch.

    Image i's transform does not depend on `count`: each image takes a fixed number of draws from one stream.

    Args:
        augmentation: the ranges.
        seed: the run's seed.
        epoch: counted from 0.
        count: number of training images.
        size: (height, width) in pixels.
    """
    height, width = size
    uniform = generator(AUGMENTATION, seed, epoch).random((count, _DRAWS_PER_IMAGE)).T
    signed, brightness = uniform * 2 - 1, augmentation.brightness_range
    columns = (
        signed[0] * augmentation.rotation_range,
        signed[1] * _pixels(augmentation.width_shift_range, width),
        signed[2] * _pixels(augmentation.height_shift_range, height),
        signed[3] * augmentation.shear_range,
        between(augmentation.zoom, uniform[4]),
        between(augmentation.zoom, uniform[5]),
        (uniform[6] < 0.5) & augmentation.horizontal_flip,
        (uniform[7] < 0.5) & augmentation.vertical_flip,
        np.full(count, None) if brightness is None else between(brightness, uniform[8]),
    )
    windows = draw_windows(augmentation.crop_scale, seed=seed, epoch=epoch, count=count)
    return list(map(Transform, *(column.tolist() for column in columns), windows))


def warp(image: np.ndarray, transform: Transform, fill_mode: str = "nearest") -> np.ndarray:
    """One image, uint8 (height, width, channels), transformed; the same shape and dtype, never the input itself."""
    if transform.resamples:
        warped = resample(image, _matrix(transform, image.shape[:2]), fill_mode)
    else:
        warped = _flipped(image, transform)
    if transform.brightness is not None:
        warped = cv2.LUT(warped, brightness_table(transform.brightness))
    return warped.reshape(image.shape)


def _flipped(image: np.ndarray, transform: Transform) -> np.ndarray:
    if not transform.moves:
        return image.copy()
    axis = -1 if transform.flip_x and transform.flip_y else int(transform.flip_x)
    return cv2.flip(image, axis).reshape(image.shape)


def _matrix(transform: Transform, size: tuple[int, int]) -> np.ndarray:
    """The 2×3 matrix from target to source coordinates (x, y), as ImageDataGenerator composes it.

    Rotation · shift · shear · zoom · mirror about the centre, multiplied out: a quarter of the time of the products.
    """
    angle, shear = math.radians(transform.rotation), math.radians(transform.shear)
    cos, sin = math.cos(angle), math.sin(angle)
    scale_x = -transform.zoom_x if transform.flip_x else transform.zoom_x
    scale_y = -transform.zoom_y if transform.flip_y else transform.zoom_y
    xx, xy = cos * scale_x, -(cos * math.sin(shear) + sin * math.cos(shear)) * scale_y
    yx, yy = sin * scale_x, (cos * math.cos(shear) - sin * math.sin(shear)) * scale_y
    middle_x, middle_y = (size[1] - 1) / 2, (size[0] - 1) / 2
    shift_x = cos * transform.shift_x - sin * transform.shift_y + middle_x - xx * middle_x - xy * middle_y
    shift_y = sin * transform.shift_x + cos * transform.shift_y + middle_y - yx * middle_x - yy * middle_y
    matrix = np.array([[xx, xy, shift_x], [yx, yy, shift_y]])
    return matrix if transform.window is None else matrix @ transform.window.matrix(size)


def resample(image: np.ndarray, matrix: np.ndarray, fill_mode: str) -> np.ndarray:
    """One image uint8 (height, width, channels), with the 2×3 matrix from target to source coordinates (x, y)."""
    height, width = image.shape[:2]
    if fill_mode == "wrap":
        return _resample_wrapped(image, matrix).reshape(image.shape)
    border = cv2.BORDER_REFLECT if fill_mode == "reflect" else cv2.BORDER_REPLICATE
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=border).reshape(image.shape)
    if fill_mode == "constant":
        warped[_outside(matrix, height, width)] = 0
    return warped


def _outside(matrix: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels whose source is outside the image by SciPy's rule: border pixels are not blended with the fill."""
    x, y = _sources(matrix, height, width)
    return (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)


def _sources(matrix: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Each target pixel's source coordinates, x and y float32 (height, width)."""
    columns, rows = np.arange(width)[None, :], np.arange(height)[:, None]
    x, y = (row[0] * columns + row[1] * rows + row[2] for row in matrix)
    return x.astype(np.float32), y.astype(np.float32)


def _resample_wrapped(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Wrap as SciPy's mode "wrap" does: the last pixel is also the first of the next period."""
    height, width = image.shape[:2]
    x, y = _sources(matrix, height, width)
    folded_x, folded_y = _fold(x, width - 1), _fold(y, height - 1)
    return cv2.remap(image, folded_x, folded_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _fold(coordinate: np.ndarray, period: int) -> np.ndarray:
    inside = (coordinate >= 0) & (coordinate <= period)
    return np.where(inside, coordinate, coordinate % max(period, 1)).astype(np.float32)


def brightness_table(factor: float) -> np.ndarray:
    """Each pixel value multiplied by the factor, uint8 (256,)."""
    return np.clip(np.arange(256) * factor, 0, 255).astype(np.uint8)


def _pixels(amount: float, length: int) -> float:
    return amount * length if amount < 1 else amount
