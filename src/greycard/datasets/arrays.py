"""Reading the array formats of the well-known sets: IDX, Keras's npz, and CSV rows of pixels."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""x_train uint8 (n, h, w), y_train uint8 (n,), x_test, y_test."""

_IDX_HEADS = (b"\0\0\x08\x01", b"\0\0\x08\x03")
"""Bytes, in one dimension or three."""

ARRAY_NAMES = ("x_train", "y_train", "x_test", "y_test")


def read_npz(path: Path) -> Arrays:
    """The arrays of Keras's mnist.npz layout; nothing is unpickled."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            x_train, y_train, x_test, y_test = (archive[name] for name in ARRAY_NAMES)
    except KeyError as error:
        raise GreycardError(
            f"{path} lacks an array: {error}; expected {', '.join(ARRAY_NAMES)}",
            hint="remove it; expected the archive that keras.datasets.mnist downloads",
        ) from error
    except Exception as error:  # a damaged zip can raise almost any exception
        raise _damaged(path, error) from error
    return x_train, y_train, x_test, y_test


def read_idx(paths: Sequence[Path]) -> Arrays:
    """Training images, training labels, test images, test labels from IDX files, gzipped or not."""
    x_train, y_train, x_test, y_test = map(_read_one_idx, paths)
    return x_train, y_train, x_test, y_test


def _read_one_idx(path: Path) -> np.ndarray:
    """Source of the format: the description at the end of the MNIST page, as IDX."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, error) from error
    if data[:4] not in _IDX_HEADS or len(data) < 4 + 4 * data[3]:
        raise _damaged(path, "it does not start like an IDX file of labels or grey images")
    shape = np.frombuffer(data, dtype=">u4", count=data[3], offset=4).tolist()
    pixels = np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3])
    if pixels.size != math.prod(shape):
        raise _damaged(path, f"its header states {math.prod(shape)} bytes, but the file has {pixels.size}")
    return pixels.reshape(shape)


def read_csv(paths: Sequence[Path]) -> Arrays:
    """Images from rows of `label, pixel1, …` with a header line: first file training, second test."""
    (x_train, y_train), (x_test, y_test) = map(_read_one_csv, paths)
    return x_train, y_train, x_test, y_test


def _read_one_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()[1:]
        rows = np.loadtxt(lines, delimiter=",", dtype=np.int64, ndmin=2) if lines else np.empty((0, 0), np.int64)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    side = int(max(rows.shape[1] - 1, 0) ** 0.5)
    if not len(rows) or not side or side * side != rows.shape[1] - 1:
        raise _damaged(path, f"expected rows of a label and a square of pixels, received {rows.shape} numbers")
    if rows.min() < 0 or rows.max() > 255:
        raise _damaged(path, f"expected numbers from 0 to 255, received {rows.min()} to {rows.max()}")
    return rows[:, 1:].astype(np.uint8).reshape(-1, side, side), rows[:, 0].astype(np.uint8)


def _damaged(path: Path, reason: object) -> GreycardError:
    return GreycardError(
        f"{path} is truncated or damaged: {reason}",
        hint="remove it and download it again, with `greycard fetch DATASET` or by hand",
    )
