"""Find a network's pretrained weights: a file, a folder of files, an installed package, or a download from Keras."""

from __future__ import annotations

import os
import re
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import as_path, weights_dir
from greycard.core.reporter import DownloadProgress
from greycard.core.suggestions import did_you_mean
from greycard.datasets.download import download
from greycard.models.imagenet import LITE0, Pretrained, network
from greycard.models.packaged import EXTRA, lite0_hint, packaged_files
from greycard.recipe import Recipe

_KERAS = (".h5", ".hdf5")

_NOT_COUNTED = re.compile(r"[^a-z0-9]|^weights")


def expect_weights(chosen: str | Path | None) -> None:
    """Raise a GreycardError for a missing --weights path, before anything that takes time."""
    if chosen is None or str(chosen) in ("imagenet", "none"):
        return
    path = as_path(chosen, "weights")
    if path.exists():
        return
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    known = ["imagenet", "none", *map(str, siblings)]
    raise GreycardError(
        f"--weights must be a file, a folder, imagenet or none. Received: {chosen}, which does not exist",
        hint=did_you_mean(str(path), known, "check the path; `greycard info` shows the weights folder"),
    )


def expect_backbone_weights(recipe: Recipe, chosen: str | Path | None) -> None:
    """Raise a GreycardError if a recipe's backbone has no weights here and no download is requested."""
    for each in recipe.backbones:
        if chosen != "imagenet" and not Path(each.backbone).exists():
            find_weights(network(each.backbone), each.backbone_layer, chosen, lambda _done, _total: None)


def find_weights(
    network: Pretrained, cut: str | None, chosen: str | Path | None, progress: DownloadProgress
) -> list[Path]:
    """The files that may have a network's weights, the most likely first; empty for `none`.

    Args:
        network: the network.
        cut: the layer the network is cut at; a file saved of the cut network has it in its name.
        chosen: a file, a folder, `imagenet` (downloaded into the weights folder where it is not there yet), `none`, or
            None for the weights folder (`GREYCARD_WEIGHTS` or the user's data folder). The weights of an installed
            package are used where the folder has none.
        progress: called with the downloaded bytes.

    Raises:
        GreycardError: no file fits; the message says where to get one.
    """
    if chosen == "none":
        return []
    path = weights_dir() if chosen in (None, "imagenet") else Path(os.path.expanduser(str(chosen)))
    if path.is_file():
        return [path]
    found = weight_files(path, network.name, cut) or packaged_files(network)
    if not found and chosen == "imagenet" and network.package is None:
        download(network.url, path / network.file, digest=network.digest, progress=progress)
        found = [path / network.file]
    if not found:
        raise _missing(network, cut, path)
    return found


def weight_files(folder: Path, name: str, cut: str | None = None) -> list[Path]:
    """Files, by their names, with this network's weights, whole or cut at the layer, in a folder or the one file."""
    there = [folder] if folder.is_file() else sorted(folder.iterdir()) if folder.is_dir() else []
    files = [path for path in there if (path.suffix in _KERAS or path.name == LITE0.file) and path.is_file()]
    return [path for path in files if cut_of(path) == cut and _is_named(path, name)] + [
        path for path in files if cut and cut_of(path) is None and _is_named(path, name)
    ]


def _is_named(path: Path, network: str) -> bool:
    """True for `mobilenet_v2_1.0_224_notop.weights.h5` and MobileNetV2, but not MobileNet."""
    plain = _NOT_COUNTED.sub("", path.name.lower().removeprefix("weights_"))
    rest = plain.removeprefix(network.lower())
    return rest != plain and not re.match(r"v\d", rest)


def alpha_of(path: Path) -> float | None:
    """The width in a file's name, such as 0.25 in `mobilenet_0.25_224_notop.weights.h5`; None for the full width."""
    named = re.search(r"_(\d\.\d+)_", path.name)
    return None if named is None or float(named.group(1)) == 1 else float(named.group(1))


def cut_of(path: Path) -> str | None:
    """The layer in the name of a weights file of a cut network, such as `inceptionv3_to_mixed7.weights.h5`."""
    named = re.search(r"_to_([A-Za-z0-9_]+?)\.", path.name)
    return named.group(1) if named else None


def _missing(network: Pretrained, cut: str | None, folder: Path) -> GreycardError:
    random = f"--set backbone={network.name} --weights none trains the network from random weights"
    if network.package:
        message = f"there are no weights for {network.name} in {folder}, and their package is not installed"
        return GreycardError(message, hint=f"`{EXTRA}` brings them; {random}")
    digest = f"{'md5' if len(network.digest) == 32 else 'sha256'} {network.digest}" if network.digest else "no hash"
    other = f"--set backbone={LITE0.name}" + (" --set backbone_layer=none" if cut else "")
    return GreycardError(
        f"there are no weights for {network.name} in {folder}: expected {folder / network.file}, published at"
        f" {network.url} ({digest})",
        hint=f"{lite0_hint(other)}; --weights PATH uses a file or a folder, --weights imagenet downloads them;"
        f" {random}",
    )
