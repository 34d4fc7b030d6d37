"""Read the tensors of an old PyTorch file (before version 1.6) with NumPy alone, without running code from the file.

Such a file is a row of pickles, the description of the tensors among them, followed by the raw storages. A pickle can
name any Python function, so only the four names that describe tensors are accepted.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np

from greycard.core.errors import GreycardError

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@dataclass(frozen=True)
class _Storage:
    """A flat array in the file: its key, dtype and number of values."""

    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor: a strided view of a storage; the fields are the arguments of `torch._utils._rebuild_tensor_v2`."""

    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    requires_grad: bool
    hooks: Any


_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _View,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a `state_dict` by name: float32 or int64 arrays, read-only.

    Args:
        content: all bytes of the file.

    Raises:
        GreycardError: the content is damaged, in another format, or names anything that tensors do not need.
    """
    file = io.BytesIO(content)
    if _Reader(file).read() != _MAGIC or _Reader(file).read() != _PROTOCOL:
        raise _refused("it is not in the format of PyTorch before 1.6")
    _Reader(file).read()  # the byte order and the sizes of integers where the file was written
    described = _Reader(file)
    views = described.read()
    if not isinstance(views, dict) or not all(isinstance(view, _View) for view in views.values()):
        raise _refused("it is not a state_dict, a mapping from names to tensors")
    arrays = _arrays(file, described.storages)
    return {str(name): _strided(view, arrays) for name, view in views.items()}


class _Reader(pickle.Unpickler):
    """Unpickler of one pickle in the file; `storages` has the storages that it names."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def read(self) -> Any:
        try:
            return self.load()
        except GreycardError:
            raise
        except Exception as error:  # a damaged pickle raises errors of many types
            raise _refused("it is damaged or incomplete") from error

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise _refused(f"it names {module}.{name}, which no file of tensors needs") from None

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str(key), str(), int(count), None):
                return self.storages.setdefault(key, _Storage(key, dtype, count))
        raise _refused("it describes a storage in an unknown way")


def _arrays(file: io.BytesIO, storages: dict[str, _Storage]) -> dict[str, np.ndarray]:
    """The storages by key: first comes the list of keys, then the size and the values of each."""
    keys = _Reader(file).read()
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(storages):
        raise _refused("its list of storages does not match its tensors")
    arrays = {key: _values(file, storages[key]) for key in keys}
    if file.read(1):
        raise _refused("bytes follow its last storage")
    return arrays


def _values(file: io.BytesIO, storage: _Storage) -> np.ndarray:
    size = file.read(8)
    if len(size) < 8 or struct.unpack("<q", size)[0] != storage.count or storage.count < 0:
        raise _refused(f"the size of storage {storage.key} is wrong or missing")
    data = file.read(storage.count * storage.dtype.itemsize)
    if len(data) < storage.count * storage.dtype.itemsize:
        raise _refused(f"it ends within storage {storage.key}")
    return np.frombuffer(data, storage.dtype)


def _strided(view: _View, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The view as an array; every index is checked, because `as_strided` checks none."""
    numbers = (view.offset, *view.size, *view.stride)
    whole = isinstance(view.storage, _Storage) and all(isinstance(each, int) and each >= 0 for each in numbers)
    if not whole or len(view.size) != len(view.stride):
        raise _refused("it describes a tensor in an unknown way")
    values = arrays[view.storage.key]
    last = view.offset + sum((count - 1) * step for count, step in zip(view.size, view.stride, strict=True))
    if 0 in view.size or math.prod(view.size) > len(values) or last >= len(values):
        raise _refused("a tensor lies outside its storage")
    steps = [step * values.itemsize for step in view.stride]
    return np.lib.stride_tricks.as_strided(values[view.offset :], view.size, steps, writeable=False)


def _refused(reason: str) -> GreycardError:
    return GreycardError(f"the PyTorch file cannot be read: {reason}", hint="get the file again from its publisher")
