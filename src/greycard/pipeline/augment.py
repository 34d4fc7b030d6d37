"""Change the images of one epoch as an `Augmentation` says; every change depends only on (seed, epoch, image).

Each kind of change has its own stream of random numbers, so one kind does not change the numbers of the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from greycard.pipeline.augmentation import Augmentation
from greycard.pipeline.colour import draw_jitters, jitter, jitters
from greycard.pipeline.crop import crop, draw_crops
from greycard.pipeline.cutout import cut_out, draw_centres
from greycard.pipeline.trivial import apply_operation, draw_operations
from greycard.pipeline.warp import draw, warp

Change = Callable[[np.ndarray, int], np.ndarray]
"""From an image uint8 (height, width, channels) and its row in the split to a new image of the same shape."""


def augmenter(augmentation: Augmentation, *, seed: int, epoch: int, count: int, size: tuple[int, int]) -> Change:
    """All changes of one epoch: first the warp and brightness, then crop, colour, TrivialAugment and cutout.

    Args:
        augmentation: the ranges.
        seed: the run's seed.
        epoch: counted from 0.
        count: number of training images.
        size: their (height, width) in pixels.
    """
    mode = augmentation.fill_mode
    transforms = draw(augmentation, seed=seed, epoch=epoch, count=count, size=size)
    changes = _later_changes(augmentation, seed, epoch, count, size)

    def augment(image: np.ndarray, row: int) -> np.ndarray:
        changed = warp(image, transforms[row], mode)
        for change in changes:
            changed = change(changed, row)
        return changed

    return augment


def _later_changes(
    augmentation: Augmentation, seed: int, epoch: int, count: int, size: tuple[int, int]
) -> list[Change]:
    changes: list[Change] = []
    padding, mode, share = augmentation.crop_padding, augmentation.fill_mode, augmentation.cutout
    if padding:
        corners = draw_crops(padding, seed=seed, epoch=epoch, count=count)
        changes.append(lambda image, row: crop(image, corners[row], padding, mode))
    if jitters(augmentation):
        colours = draw_jitters(augmentation, seed=seed, epoch=epoch, count=count)
        changes.append(lambda image, row: jitter(image, colours[row]))
    if augmentation.trivial:
        operations = draw_operations(seed=seed, epoch=epoch, count=count)
        changes.append(lambda image, row: apply_operation(image, operations[row], mode))
    if share:
        centres = draw_centres(seed=seed, epoch=epoch, count=count, size=size)
        changes.append(lambda image, row: cut_out(image, centres[row], share))
    return changes
