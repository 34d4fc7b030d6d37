"""Feature vectors as a NumPy archive: arrays ids, paths, labels and embeddings. It needs no further package."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from greycard.core.atomic_files import remove
from greycard.embeddings.table import KEY, About, Rows

_ABOUT = f"{KEY}.json"
_PART = 4096
"""Rows that are read at a time."""


class NpzWriter:
    """Writes the vectors to a second file first, because an array's file begins with its length.

    Args:
        place: the file.
        about: its metadata.
    """

    def __init__(self, place: Path, about: About) -> None:
        self._place, self._about = place, about
        self._values_at = place.with_name(f"{place.name}.values")
        self._values = self._values_at.open("w+b")
        self._names: dict[str, list[str]] = {"ids": [], "paths": [], **({"labels": []} if about.labelled else {})}

    def write(self, rows: Rows) -> None:
        for name, values in self._names.items():
            values += [value or "" for value in getattr(rows, name)]
        self._values.write(np.ascontiguousarray(rows.vectors, "<f4").tobytes())

    def close(self) -> None:
        try:
            with zipfile.ZipFile(self._place, "w") as archive:
                archive.writestr(_ABOUT, self._about.to_text())
                for name, values in self._names.items():
                    archive.writestr(f"{name}.npy", _as_npy(np.array(values, dtype=np.str_)))
                with archive.open("embeddings.npy", "w", force_zip64=True) as stream:
                    self._copy(stream)
        finally:
            self._values.close()
            remove(self._values_at)

    def _copy(self, stream: IO[bytes]) -> None:
        shape = (len(self._names["ids"]), self._about.network.features)
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
        self._values.seek(0)
        shutil.copyfileobj(self._values, stream, 1 << 20)


def read_about(place: Path) -> bytes | None:
    """Greycard's metadata; None if the file has none. Damaged files raise BadZipFile or OSError."""
    with zipfile.ZipFile(place) as archive:
        return archive.read(_ABOUT) if _ABOUT in archive.namelist() else None


def read_rows(place: Path, about: About) -> Iterator[Rows]:
    """The rows, some at a time."""
    features = about.network.features
    with np.load(place, allow_pickle=False) as arrays:
        ids, paths = arrays["ids"].tolist(), arrays["paths"].tolist()
        labels = [label or None for label in arrays["labels"].tolist()] if about.labelled else [None] * len(ids)
    with zipfile.ZipFile(place) as archive, archive.open("embeddings.npy") as stream:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        for first in range(0, len(ids), _PART):
            part = slice(first, first + _PART)
            values = np.frombuffer(stream.read(len(ids[part]) * features * 4), "<f4")
            yield Rows(ids[part], paths[part], labels[part], values.reshape(-1, features))


def _as_npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()
