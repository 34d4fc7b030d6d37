"""The features of images on disk: one process appends, another reads what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_KEY = 16
"""Bytes of a key: a digest of the image's identity."""


@dataclass(frozen=True)
class Source:
    """Where features come from, and where they are.

    Attributes:
        network: the network's name.
        features: number of features of an image.
        file: the path of their `FeatureFile`.
    """

    network: str
    features: int
    file: str


class FeatureFile:
    """Features by the identity of their image: records of a key and float32 (features,), one after the other.

    A record that a killed process has left half written is overwritten by the next one.

    Args:
        path: of the file; it need not exist.
        features: number of features of an image.
    """

    def __init__(self, path: Path, features: int) -> None:
        self._path = path
        self._record = np.dtype([("key", f"V{_KEY}"), ("features", "<f4", (features,))])
        self._read = 0
        self._rows: dict[bytes, int] = {}
        self._features = np.zeros((0, features), np.float32)

    def append(self, keys: Iterable[str], features: np.ndarray) -> None:
        """Add the features of some images, float32 (n, features); NaN for one that cannot be read."""
        records = np.zeros(len(features), self._record)
        records["key"] = [np.void(_digest(key)) for key in keys]
        records["features"] = features
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.truncate(file.tell() // self._record.itemsize * self._record.itemsize)
            file.write(records.tobytes())

    def update(self) -> None:
        """Read what was appended since the last time."""
        size = self._path.stat().st_size if self._path.is_file() else 0
        new = size // self._record.itemsize - self._read
        if new <= 0:
            return
        records = np.fromfile(self._path, self._record, new, offset=self._read * self._record.itemsize)
        for row, key in enumerate(records["key"], start=self._read):
            self._rows[bytes(key)] = row
        self._features = np.concatenate([self._features, records["features"]])
        self._read += len(records)

    def __contains__(self, key: str) -> bool:
        return _digest(key) in self._rows

    def of(self, keys: Iterable[str]) -> np.ndarray:
        """The features of images that are here, float32 (n, features); raises a KeyError for another."""
        return self._features[[self._rows[_digest(key)] for key in keys]]


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=_KEY).digest()
