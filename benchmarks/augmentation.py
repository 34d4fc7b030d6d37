"""Images a second that one core augments, for each kind of change and each size.

    python benchmarks/augmentation.py [--rounds 5]

On the two photographs that come with scikit-learn, in one thread. Writes `results/speed/augmentation.json`.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from sklearn.datasets import load_sample_images

from clock import Way, measure
from greycard import Augmentation
from greycard.pipeline.augment import augmenter
from result import ResultFile, parser

CHANGES = {
    "rotation, shift, zoom, flip": Augmentation(
        rotation_range=15, width_shift_range=0.1, height_shift_range=0.1, zoom_range=0.1, horizontal_flip=True
    ),
    "flip": Augmentation(horizontal_flip=True),
    "crop with padding": Augmentation(crop_padding=4),
    "cutout": Augmentation(cutout=0.25),
    "crop with padding, flip, cutout": Augmentation(crop_padding=4, horizontal_flip=True, cutout=0.25),
    "resized crop, flip": Augmentation(crop_scale=(0.5, 1), horizontal_flip=True),
    "contrast, saturation, hue": Augmentation(contrast_range=(0.8, 1.2), saturation_range=(0.8, 1.2), hue_range=10),
    "TrivialAugment": Augmentation(trivial=True),
    "crop with padding, flip, TrivialAugment, cutout": Augmentation(
        crop_padding=4, horizontal_flip=True, trivial=True, cutout=0.25
    ),
}
SIZES = {"28 px grey": (28, 1), "32 px": (32, 3), "150 px": (150, 3), "224 px": (224, 3)}
_PIXELS = 6_000_000
"""How many pixels a round augments, for a similar time at every size."""


def main() -> None:
    options = parser(__doc__, rounds=5).parse_args()
    cv2.setNumThreads(1)
    results = ResultFile("augmentation", ("work", "how"), keep=not options.quick)
    for row in measure(list(_ways(200_000 if options.quick else _PIXELS)), 1 if options.quick else options.rounds):
        results.put(row)


def _ways(pixels: int) -> Iterator[Way]:
    for size, (side, channels) in SIZES.items():
        photographs = [cv2.resize(image, (side, side))[..., :channels] for image in load_sample_images().images]
        images = np.stack([np.ascontiguousarray(image) for image in photographs])
        for name, augmentation in CHANGES.items():
            yield Way(name, size, _Epochs(images, augmentation, pixels // side**2))


class _Epochs:
    """Augments as many images as an epoch has, drawing the random numbers included."""

    def __init__(self, images: np.ndarray, augmentation: Augmentation, count: int) -> None:
        self._images, self._augmentation, self._count = images, augmentation, count
        self._changed = np.empty_like(images)

    def __call__(self, epoch: int) -> int:
        size = self._images.shape[1:3]
        augment = augmenter(self._augmentation, seed=0, epoch=epoch, count=self._count, size=size)
        for row in range(self._count):
            self._changed[row % 2] = augment(self._images[row % 2], row)
        return self._count


if __name__ == "__main__":
    main()
