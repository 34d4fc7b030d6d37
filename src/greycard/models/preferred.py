"""The pretrained networks that `greycard train` chooses from, and the time that their features take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from greycard.models.weights import alpha_of, weight_files

CORES = 2
"""Number of cores for the time estimates."""


@dataclass(frozen=True)
class Preferred:
    """One network.

    Attributes:
        name: its name in `keras.applications`.
        pixels: the image size that its weights were trained on.
        cpu_seconds: the time for one image of that size on one core, measured with LiteRT.
    """

    name: str
    pixels: int
    cpu_seconds: float

    def seconds(self, images: int, pixels: int, alpha: float | None = None) -> float:
        """Estimate the seconds that the features of `images` images take, at another size or width."""
        return images * self.cpu_seconds * (pixels / self.pixels) ** 2 * (alpha or 1.0) ** 2 / CORES


PREFERRED = (
    Preferred("MobileNetV2", 224, 0.009),
    Preferred("EfficientNetV2B0", 224, 0.020),
    Preferred("EfficientNetB0", 224, 0.016),
    Preferred("MobileNet", 224, 0.013),
    Preferred("ResNet50", 224, 0.081),
    Preferred("InceptionV3", 299, 0.118),
)
"""The best accuracy for its time on a CPU first."""


def known(name: str) -> Preferred | None:
    """The preferred network with this name; None if there is none."""
    return next((network for network in PREFERRED if network.name == name), None)


def network_in(path: Path) -> tuple[str | None, float | None]:
    """The first preferred network with a weights file in `path`, and its width if that is not the full width.

    Args:
        path: a weights file or a folder of them; it need not exist.
    """
    for network in PREFERRED:
        files = weight_files(path, network.name)
        if files:
            return network.name, alpha_of(files[0])
    return None, None
