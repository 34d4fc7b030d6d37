"""MixUp and CutMix: training images that are made of two images of a batch, with the label in the same shares.

Sources: Zhang et al., "mixup: Beyond empirical risk minimization" (2018); Yun et al., "CutMix" (2019). If both are on,
one of them is drawn for each batch, as in timm. Each image has its own share, as in fastai.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from greycard.core.randomness import MIXING, generator


@dataclass(frozen=True)
class Mixing:
    """The parameters of the Beta distributions from which the shares are drawn; 0 turns a method off.

    Attributes:
        mixup: of the share of each image's own pixels when two images are blended.
        cutmix: of the share of the area that remains when a rectangle of another image is pasted.
    """

    mixup: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True)
class Draws:
    """The random values of some images, in the order of an epoch.

    Attributes:
        cut: bool (n,), True for CutMix, False for MixUp; the same for a whole batch.
        shares: float64 (n,), from 0 to 1, the part of each image that remains.
        centres: float64 (n, 2), from 0 to 1, the centre of each rectangle: row and column.
    """

    cut: np.ndarray
    shares: np.ndarray
    centres: np.ndarray

    def __getitem__(self, part: slice) -> Draws:
        return Draws(self.cut[part], self.shares[part], self.centres[part])


def draw_mixing(mixing: Mixing, *, seed: int, epoch: int, count: int, batch_size: int) -> Draws:
    """The random values of all `count` images of an epoch; they depend only on the arguments."""
    random = generator(MIXING, seed, epoch)
    batches = -(-count // batch_size)
    chance = 0.5 if mixing.mixup and mixing.cutmix else float(mixing.cutmix > 0)
    cut = np.repeat(random.random(batches) < chance, batch_size)[:count]
    blended, pasted = (random.beta(each or 1.0, each or 1.0, count) for each in (mixing.mixup, mixing.cutmix))
    return Draws(cut, np.where(cut, pasted, blended), random.random((count, 2)))


def mix(images: np.ndarray, targets: np.ndarray, draws: Draws, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Mix each image with the image before it in its batch; the first one with the last.

    Args:
        images: uint8 (n, height, width, channels), or features float32 (n, …), of whole batches; only the last batch
            may be smaller.
        targets: float32 (n, classes).
        draws: the random values of these n images; features are never cut.
        batch_size: images per batch.

    Returns:
        New arrays of the same shapes and types.
    """
    partners = _partners(len(images), batch_size)
    if images.dtype != np.uint8:
        assert not draws.cut.any()
        return _blended(images, partners, draws.shares), _blended(targets, partners, draws.shares)
    mixed, shares = images.copy(), draws.shares.copy()
    for place, partner in enumerate(partners):
        if draws.cut[place]:
            shares[place] = _paste(mixed[place], images[partner], shares[place], draws.centres[place])
        else:
            _blend(mixed[place], images[partner], shares[place])
    return mixed, _blended(targets, partners, shares)


def _partners(count: int, batch_size: int) -> np.ndarray:
    places = np.arange(count)
    return np.concatenate([np.roll(places[start : start + batch_size], 1) for start in range(0, count, batch_size)])


def _blended(values: np.ndarray, partners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    own = shares.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    return own * values + (1 - own) * values[partners]


def _blend(image: np.ndarray, other: np.ndarray, share: float) -> None:
    """Blend two images in place; OpenCV rounds to whole pixel values."""
    flat, rows = image.reshape(len(image), -1), other.reshape(len(other), -1)
    cv2.addWeighted(flat, share, rows, 1 - share, 0, dst=flat)


def _paste(image: np.ndarray, other: np.ndarray, share: float, centre: np.ndarray) -> float:
    """Paste a rectangle of `other` in place, and return the share of the area that remains."""
    size = np.array(image.shape[:2])
    half = size * np.sqrt(1 - share) / 2
    top, left = np.clip(np.round(centre * size - half), 0, size).astype(int)
    bottom, right = np.clip(np.round(centre * size + half), 0, size).astype(int)
    image[top:bottom, left:right] = other[top:bottom, left:right]
    return float(1 - (bottom - top) * (right - left) / size.prod())
