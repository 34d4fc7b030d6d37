"""The pretrained networks that `greycard train` chooses from, and the time that their features take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from greycard.core.paths import weights_dir
from greycard.models.imagenet import LITE0, network
from greycard.models.packaged import packaged_files
from greycard.models.weights import alpha_of, weight_files

CORES = 2
"""Number of cores for the time estimates."""


@dataclass(frozen=True)
class Preferred:
    """One network.

    Attributes:
        name: its name in the table of networks.
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
    Preferred("EfficientNetLite0", 224, 0.012),
    Preferred("MobileNetV2", 224, 0.009),
    Preferred("EfficientNetV2B0", 224, 0.020),
    Preferred("EfficientNetB0", 224, 0.016),
    Preferred("MobileNet", 224, 0.013),
    Preferred("ResNet50", 224, 0.081),
    Preferred("InceptionV3", 299, 0.118),
)
"""The best accuracy for its time on a CPU first."""

DOWNLOADED = "MobileNetV2"
"""The network that `--weights imagenet` downloads, 9 MB, if no other is installed."""


def known(name: str) -> Preferred | None:
    """The preferred network with this name; None if there is none."""
    return next((network for network in PREFERRED if network.name == name), None)


@dataclass(frozen=True)
class Available:
    """A preferred network with weights on this machine, and its width if that is not the full width."""

    name: str
    alpha: float | None = None

    def __str__(self) -> str:
        return self.name if self.alpha is None else f"{self.name} {self.alpha:g}"


def available(weights: str | Path | None = None) -> list[Available]:
    """The preferred networks that have weights on this machine, the best first.

    Args:
        weights: a weights file or a folder of them, which need not exist; None for the weights folder and the
            installed package.

    Raises:
        GreycardError: `GREYCARD_WEIGHTS` names a folder that does not exist.
    """
    path = weights_dir() if weights is None else Path(weights).expanduser()
    found = []
    for preferred in PREFERRED:
        files = weight_files(path, preferred.name)
        if files:
            found.append(Available(preferred.name, alpha_of(files[0])))
        elif weights is None and packaged_files(network(preferred.name)):
            found.append(Available(preferred.name))
    return found


def imagenet_network() -> str:
    """The network for `--weights imagenet`: EfficientNet-Lite0 if it is here, else the one that is downloaded."""
    return LITE0.name if any(each.name == LITE0.name for each in available()) else DOWNLOADED
