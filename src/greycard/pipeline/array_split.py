"""A split's images as one uint8 array at the recipe's size, decoded on all cores, once: the next run finds them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

from greycard.core.errors import GreycardError
from greycard.core.threads import thread_pool
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.digests import array_digest
from greycard.datasets.file_facts import FileFacts, content_digest
from greycard.datasets.images import UnreadableImageError, quiet_pillow
from greycard.pipeline.cache import DROP_BYTES, IN_MEMORY_BYTES, cached_array, drop_pages
from greycard.pipeline.decode import POLICY, decode


@dataclass(frozen=True)
class ArraySplit:
    """A split ready for the model.

    Attributes:
        ids: the split's ids, without images that could not be decoded.
        labels: the labels of these images.
        images: uint8 (n, height, width, channels), or float32 (n, features) if the data are not images. Decoded files
            of more than `IN_MEMORY_BYTES` are a read-only map.
        left_out: files with a valid header and invalid pixels.
        cached: True if an earlier run had decoded the images.
        digest: SHA-256 over everything that `images` depends on; equal digests mean equal pixels.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    images: np.ndarray
    left_out: tuple[LeftOut, ...] = ()
    cached: bool = False
    digest: str = ""

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"ArraySplit({len(self):,} images, {' × '.join(map(str, self.images.shape[1:]))})"

    def each(self) -> Iterator[np.ndarray]:
        """Iterate over the images; memory use does not grow with the number of images read."""
        return rows_of(self.images)


@dataclass(frozen=True)
class _Target:
    """What an image becomes when it is decoded: its (height, width), its channels, and how it gets that size."""

    size: tuple[int, int]
    channels: int
    resize: str

    @property
    def shape(self) -> tuple[int, int, int]:
        return (*self.size, self.channels)

    def decode(self, source: bytes | Image.Image) -> np.ndarray:
        return decode(source, self.size, self.channels, self.resize)


@dataclass(frozen=True)
class _File:
    """A file that could be read, and the SHA-256 of its content."""

    id: str
    path: Path
    content: str


def rows_of(images: np.ndarray) -> Iterator[np.ndarray]:
    """Iterate over the rows of an array that may be mapped; memory use does not grow with the number of rows read."""
    together = max(1, DROP_BYTES // max(images[:1].nbytes, 1))
    for start in range(0, len(images), together):
        yield from images[start : start + together]
        drop_pages(images)


def load_arrays(
    split: Split,
    size: tuple[int, int] | None,
    channels: int,
    on_image: Callable[[], None] = lambda: None,
    resize: str = "stretch",
    decoded: ArraySplit | None = None,
) -> ArraySplit:
    """Decode a split, or load it from the cache.

    Args:
        split: files, or arrays, which are resized if their size differs from `size`.
        size: (height, width) in pixels; None for data that are not images, which stay unchanged.
        channels: 1 for grey, 3 for RGB.
        on_image: called after each file that is decoded.
        resize: how an image of another shape becomes this size: `stretch`, `crop` or `pad`, as `data.resize`.
        decoded: the same images among others, decoded with the same settings; they are copied, which is faster.

    Raises:
        GreycardError: a file changes while it is read, or the cache's folder or limit is not valid.
    """
    target = None if size is None else _Target(size, channels, resize)
    if target is None or isinstance(split.images, np.ndarray):
        return _from_array(split, np.asarray(split.images), target)
    return _from_files(split, split.images, target, on_image, decoded)


def decode_unchanged(
    path: Path, digest: str, size: tuple[int, int], channels: int, resize: str = "stretch"
) -> np.ndarray:
    """Decode a file whose content has a known SHA-256: a wrong entry in the cache would affect every later run.

    Raises:
        UnreadableImageError: its pixels cannot be decoded.
        GreycardError: its content is another, or memory is short, which says nothing about the file.
    """
    try:
        content = path.read_bytes()
    except OSError:
        content = None
    if content is None or hashlib.sha256(content).hexdigest() != digest:
        raise GreycardError(f"{path} changed while it was read", hint="run it again when the folder is not in use")
    return decode_content(content, str(path), size, channels, resize)


def decode_content(
    content: bytes, name: str, size: tuple[int, int], channels: int, resize: str = "stretch"
) -> np.ndarray:
    """Decode the bytes of an image.

    Raises:
        UnreadableImageError: its pixels cannot be decoded.
        GreycardError: memory is short, which says nothing about the image called `name`.
    """
    if not content:
        raise UnreadableImageError("the file is empty")
    try:
        return decode(content, size, channels, resize)
    except UnreadableImageError as error:
        if isinstance(error.__cause__, MemoryError):
            raise GreycardError(f"there is too little memory to decode {name}", hint="close other programs") from error
        raise


def _from_array(split: Split, array: np.ndarray, target: _Target | None) -> ArraySplit:
    content = {"array": array_digest(array), "shape": array.shape, "dtype": str(array.dtype)}
    images = array if target is None else _fit_array(array, target)
    return ArraySplit(split.ids, split.labels, images, digest=_key(target, content))


def _from_files(
    split: Split,
    paths: tuple[Path, ...],
    target: _Target,
    on_image: Callable[[], None],
    decoded: ArraySplit | None,
) -> ArraySplit:
    def fill(images: np.ndarray) -> dict[str, Any]:
        if decoded is not None:
            return _copy_into(images, files, decoded)
        return _decode_into(images, files, target, on_image)

    files, reasons = _with_content(split, paths)
    key = _key(target, {"files": [(file.id, file.content) for file in files]})
    array, facts, cached = cached_array(
        "pixels",
        key,
        shape=(len(files), *target.shape),
        dtype="uint8",
        about=_about(paths),
        fill=fill,
    )
    reasons |= dict(facts["left_out"])
    rows = [row for row, id in enumerate(split.ids) if id not in reasons]
    left_out = tuple(LeftOut(id, reasons[id]) for id in split.ids if id in reasons)
    ids = tuple(split.ids[row] for row in rows)
    return ArraySplit(ids, split.labels[rows], _in_memory(array[: len(rows)]), left_out, cached, key)


def _with_content(split: Split, paths: Sequence[Path]) -> tuple[list[_File], dict[str, str]]:
    """The readable files, in order, and for the others the reason, by id."""
    with thread_pool() as pool:
        outcomes = list(pool.map(_content, paths, split.facts or [None] * len(paths)))
    files, reasons = [], {}
    for id, path, outcome in zip(split.ids, paths, outcomes, strict=True):
        if isinstance(outcome, OSError):
            reasons[id] = outcome.strerror or str(outcome)
        else:
            files.append(_File(id, path, outcome))
    return files, reasons


def _content(path: Path, facts: FileFacts | None) -> str | OSError:
    try:
        return content_digest(path, facts)
    except OSError as error:
        return error


def _key(target: _Target | None, content: dict[str, Any]) -> str:
    """SHA-256 of everything that the pixels depend on; as JSON, which can escape names that are not valid text."""
    decides = {"policy": POLICY, "pillow": PIL.__version__, "target": target and asdict(target), **content}
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()


def _about(paths: Sequence[Path]) -> str:
    folders = {path.parent for path in paths}
    place = f" in {os.path.commonpath([folder.absolute() for folder in folders])}" if folders else ""
    return f"{len(paths):,} images{place}"


def _decode_into(
    images: np.ndarray, files: Sequence[_File], target: _Target, on_image: Callable[[], None]
) -> dict[str, Any]:
    """Decode into the first rows, one for each valid file, in order; returns the files that cannot be decoded."""

    def decode_row(row: int) -> str | None:
        try:
            file = files[row]
            images[row] = decode_unchanged(file.path, file.content, target.size, target.channels, target.resize)
        except UnreadableImageError as error:
            return str(error)
        finally:
            on_image()
        return None

    problems: list[str | None] = []
    together = max(1, DROP_BYTES // max(images[:1].nbytes, 1))
    with quiet_pillow(), thread_pool() as pool:
        for start in range(0, len(files), together):
            problems += pool.map(decode_row, range(start, min(start + together, len(files))))
            drop_pages(images)
    _close_gaps(images, problems)
    return {"left_out": [[file.id, why] for file, why in zip(files, problems, strict=True) if why]}


def _copy_into(images: np.ndarray, files: Sequence[_File], decoded: ArraySplit) -> dict[str, Any]:
    """As `_decode_into`, from images that are decoded already."""
    row_of = {id: row for row, id in enumerate(decoded.ids)}
    reasons = {item.id: item.reason for item in decoded.left_out}
    good = (row_of[file.id] for file in files if file.id in row_of)
    for place, row in enumerate(good):
        images[place] = decoded.images[row]
    return {"left_out": [[file.id, reasons[file.id]] for file in files if file.id not in row_of]}


def _close_gaps(images: np.ndarray, problems: Sequence[str | None]) -> None:
    """Move the valid rows up, in place: a copy of a mapped file may not fit into memory."""
    good = (row for row, why in enumerate(problems) if not why)
    for place, row in enumerate(good):
        if place != row:
            images[place] = images[row]


def _in_memory(images: np.ndarray) -> np.ndarray:
    """Copy a small mapped array to memory, because epochs read its rows in random order."""
    return np.array(images) if isinstance(images, np.memmap) and images.nbytes <= IN_MEMORY_BYTES else images


def _fit_array(images: np.ndarray, target: _Target) -> np.ndarray:
    """Return arrays of the right size unchanged; resize others with the same decoder that prediction uses."""
    array = images.reshape(*images.shape[:3], -1)
    if array.shape[1:] == target.shape:
        return array
    grey = array.shape[3] == 1
    return np.stack([target.decode(Image.fromarray(each[:, :, 0] if grey else each)) for each in array])
