"""The pretrained networks that `greycard train` looks for weights of, and what their features cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from greycard.models.weights import alpha_of, weight_files

CORES = 2
"""Of the machine that times are estimated for."""


@dataclass(frozen=True)
class Preferred:
    """One network.

    Attributes:
        name: in `keras.applications`.
        pixels: the side of the images that its weights were trained on.
        cpu_seconds: one core's time for one image of that size, measured with LiteRT.
    """

    name: str
    pixels: int
    cpu_seconds: float

    def seconds(self, images: int, pixels: int, alpha: float | None = None) -> float:
        """The estimated time for the features of so many images of another size, or of a narrower network."""
        return images * self.cpu_seconds * (pixels / self.pixels) ** 2 * (alpha or 1.0) ** 2 / CORES


PREFERRED = (
    Preferred("MobileNetV2", 224, 0.009),
    Preferred("EfficientNetV2B0", 224, 0.020),
    Preferred("EfficientNetB0", 224, 0.016),
    Preferred("MobileNet", 224, 0.013),
    Preferred("ResNet50", 224, 0.081),
    Preferred("InceptionV3", 299, 0.118),
)
"""The best for its time on a CPU first."""


def known(name: str) -> Preferred | None:
    """The network of this name, if it is a preferred one."""
    return next((network for network in PREFERRED if network.name == name), None)


def network_in(path: Path) -> tuple[str | None, float | None]:
    """The first of the preferred networks that has a weights file there, and its width where that is not the full one.

    Args:
        path: a weights file or a folder of them; it need not exist.
    """
    for network in PREFERRED:
        files = weight_files(path, network.name)
        if files:
            return network.name, alpha_of(files[0])
    return None, None
