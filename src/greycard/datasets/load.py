"""A named dataset from a data directory: found in its usual layouts, verified, never downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError, command
from greycard.core.paths import data_dir
from greycard.datasets.arrays import ARRAY_NAMES, Arrays, read_csv, read_idx, read_npz
from greycard.datasets.catalog import Download, Entry, entry
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.digests import RECEIPT, array_digest, check_files, known_files, received_files
from greycard.datasets.embedded import digits, house_prices
from greycard.datasets.folders import load_layout
from greycard.datasets.parts import Layout, part_of

_READERS: dict[str, Callable[[Sequence[Path]], Arrays]] = {
    "npz": lambda paths: read_npz(paths[0]),
    "idx": read_idx,
    "csv": read_csv,
}


def load_dataset(
    name: str, folder: str | Path | None = None, *, val_fraction: float = 0.2, split_seed: int = 0
) -> Dataset:
    """A dataset of the catalog, its content verified.

    Args:
        name: its name in `greycard fetch` and in recipes.
        folder: the data directory; by default `GREYCARD_DATA` or the user's data folder.
        val_fraction: share of each class for validation, if the dataset has no validation split.
        split_seed: random seed of that split.

    Raises:
        GreycardError: unknown, missing (the message says what to put where), or not the published content.
    """
    wanted = entry(name)
    if name == "house-prices":
        return replace(house_prices(), published=True)
    if name == "digits":
        return replace(digits(wanted.classes, val_fraction=val_fraction, split_seed=split_seed), published=True)
    root = data_dir(folder)
    dataset = (
        _from_folders(wanted, root, val_fraction, split_seed)
        if wanted.kind == "folders"
        else _from_arrays(wanted, root)
    )
    return replace(dataset, notes=dataset.notes + _count_notes(wanted, dataset), published=True)


def is_here(name: str, folder: str | Path | None = None) -> bool:
    """Whether a dataset's files are in the data directory; their content is checked when they are loaded."""
    wanted = entry(name)
    if wanted.kind == "embedded":
        return True
    root = data_dir(folder)
    return bool(_find_layout(wanted, root) if wanted.kind == "folders" else _find_files(wanted, root))


def describe_missing(wanted: Entry, root: Path) -> GreycardError:
    """The error for a dataset that is not there: URL, size, hash, and where to put it."""
    place = root / wanted.folder
    if wanted.by_hand:
        return GreycardError(
            f"{wanted.title} is not in {root}: expected {' and '.join(wanted.files)} in {place}", hint=wanted.by_hand
        )
    files = "".join(f"\n  {describe_download(download)}" for download in wanted.downloads)
    return GreycardError(
        f"{wanted.title} is not in {root}: expected it in {place}, from{files}",
        hint=f"put the files there, or `{_fetch(wanted, root)}` downloads them; or use another --data-dir",
    )


def _fetch(wanted: Entry, root: Path) -> str:
    """The command that downloads a dataset to the folder that was searched."""
    return command("fetch", wanted.name, *(() if root == data_dir() else ("--data-dir", root)))


def describe_download(download: Download) -> str:
    """URL, size and SHA-256 in one line."""
    size = f"{download.size:,} bytes" if download.size else "size not published"
    return f"{download.url} ({size}, sha256 {download.sha256 or 'not published'})"


def _from_arrays(wanted: Entry, root: Path) -> Dataset:
    paths = _find_files(wanted, root)
    if not paths:
        raise describe_missing(wanted, root)
    arrays = _READERS[wanted.kind](paths)
    _check_arrays(wanted, paths, arrays)
    x_train, y_train, x_test, y_test = arrays
    train, validation = _array_split("train", x_train, y_train), _array_split("test", x_test, y_test)
    return Dataset(wanted.name, wanted.classes, train, validation)


def _array_split(part: str, images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(tuple(f"{part}/{row}" for row in range(len(images))), labels.astype(np.int64), images)


def _check_arrays(wanted: Entry, paths: Sequence[Path], arrays: Arrays) -> None:
    for position, (array, digest) in enumerate(zip(arrays, wanted.digests, strict=False)):
        if array_digest(array) != digest:
            path = paths[position] if len(paths) > 1 else paths[0]
            raise GreycardError(
                f"{path} is not what was published: {ARRAY_NAMES[position]} of {wanted.title} has other content",
                hint=f"remove it, then `greycard fetch {wanted.name}` downloads it again",
            )
    for labels in arrays[1::2]:
        if labels.max() >= len(wanted.classes):
            raise GreycardError(
                f"{wanted.title} has a label {labels.max()}; expected 0 to {len(wanted.classes) - 1}",
                hint=f"remove it, then `greycard fetch {wanted.name}` downloads it again",
            )


def _find_files(wanted: Entry, root: Path) -> list[Path]:
    """The dataset's files in order, plain or gzipped: in its folder, the data directory, or a folder of that name."""
    for place in (root / wanted.folder, root):
        found = [_first_file(place, name) for name in wanted.files]
        if all(found):
            return [path for path in found if path]
    return []


def _first_file(place: Path, name: str) -> Path | None:
    candidates = (place / name, place / f"{name}.gz", place / Path(name).stem / name)
    return next((path for path in candidates if path.is_file()), None)


def _from_folders(wanted: Entry, root: Path, val_fraction: float, split_seed: int) -> Dataset:
    layout = _find_layout(wanted, root)
    if layout is None:
        raise describe_missing(wanted, root)
    if layout.validation is None:
        _verify(wanted, layout.train.place, "")
        top = layout.train.place
    else:
        _verify(wanted, layout.train.place, "train")
        _verify(wanted, layout.validation.place, "validation")
        top = layout.train.place.parent
    return load_layout(layout, top, wanted.name, val_fraction=val_fraction, split_seed=split_seed)


def _find_layout(wanted: Entry, root: Path) -> Layout | None:
    for train, validation in wanted.layouts:
        places = [root / place for place in (train, validation) if place]
        if all(_has_folders(place) for place in places):
            return Layout(part_of(places[0]), part_of(places[1]) if validation else None)
    return None


def _has_folders(place: Path) -> bool:
    return place.is_dir() and any(child.is_dir() for child in place.iterdir())


def _verify(wanted: Entry, folder: Path, part: str) -> None:
    """Compare one split's files with the manifest of `fetch`, or with the list of known files."""
    known = received_files(folder) or _known_part(wanted, part)
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.name != RECEIPT and not path.name.startswith(".")
    }
    if known.keys() & found.keys():  # otherwise a different packaging with unknown content
        check_files(wanted.title, folder, found, known)


def _known_part(wanted: Entry, part: str) -> dict[str, str]:
    if not wanted.manifest:
        return {}
    prefix = f"{part}/"
    known = known_files(wanted.name)
    return {path.removeprefix(prefix): digest for path, digest in known.items() if path.startswith(prefix)}


def _count_notes(wanted: Entry, dataset: Dataset) -> tuple[str, ...]:
    found, published = len(dataset.train) + len(dataset.validation), sum(wanted.counts)
    if found == published:
        return ()
    return (f"{wanted.title} as published has {published:,} images; {found:,} usable images were found",)
