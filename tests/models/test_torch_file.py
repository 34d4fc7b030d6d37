"""Reading PyTorch's old format with NumPy: files written by hand, opcode by opcode, and every way to be refused."""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.core.errors import GreycardError
from greycard.models.torch_file import read_tensors

MAGIC, PROTOCOL = pickle.dumps(0x1950A86A20F9469CFC6C, 2), pickle.dumps(1001, 2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}, 2)
FLOAT, LONG = "FloatStorage", "LongStorage"
ORDERED = "collections OrderedDict"


def _global(name: str) -> bytes:
    module, attribute = name.split(" ")
    return f"c{module}\n{attribute}\n".encode()


def _value(value: Any) -> bytes:
    """The opcodes of a plain value, without the header and the end of a pickle."""
    return pickle.dumps(value, 2)[2:-1]


def _tensor(
    key: str, count: Any, size: Sequence[Any], stride: Sequence[Any], offset: Any = 0, kind: str = FLOAT
) -> bytes:
    """The opcodes that describe a tensor: persistent id of its storage, offset, size, stride, no gradient, no hooks."""
    pid = b"(" + _value("storage") + _global(f"torch {kind}") + _value(key) + _value("cpu") + _value(count) + b"NtQ"
    hooks = _global(ORDERED) + b")R"
    arguments = pid + _value(offset) + _value(tuple(size)) + _value(tuple(stride)) + b"\x89" + hooks
    return _global("torch._utils _rebuild_tensor_v2") + b"(" + arguments + b"tR"


def _file(tensors: Mapping[str, bytes], storages: Mapping[str, bytes], tail: bytes = b"") -> bytes:
    """A whole file: `storages` are by their keys, each with its count of values in front."""
    items = b"".join(_value(name) + tensor for name, tensor in tensors.items())
    described = b"\x80\x02" + _global(ORDERED) + b")R(" + items + b"u."
    keys = pickle.dumps(list(storages), 2)
    return MAGIC + PROTOCOL + SYSTEM + described + keys + b"".join(storages.values()) + tail


def _storage(values: np.ndarray, count: int | None = None) -> bytes:
    return struct.pack("<q", len(values) if count is None else count) + values.tobytes()


VALUES = np.arange(12, dtype="<f4")
WHOLE = _file(
    {
        "kernel": _tensor("7", 12, (2, 3), (1, 4)),  # not contiguous, as the kernels of the real file
        "bias": _tensor("7", 12, (4,), (1,), offset=8),  # another part of the same storage
        "count": _tensor("9", 1, (), (), kind=LONG),
    },
    {"9": _storage(np.array([5], "<i8")), "7": _storage(VALUES)},
)


def test_tensors_are_read_by_name_with_their_strides() -> None:
    tensors = read_tensors(WHOLE)
    assert list(tensors) == ["kernel", "bias", "count"]
    assert np.array_equal(tensors["kernel"], [[0, 4, 8], [1, 5, 9]])
    assert np.array_equal(tensors["bias"], [8, 9, 10, 11])
    assert (tensors["count"].shape, tensors["count"].dtype, int(tensors["count"])) == ((), np.int64, 5)
    assert not tensors["kernel"].flags.writeable


def test_pytorch_reads_the_same_from_the_file_written_by_hand() -> None:
    torch = pytest.importorskip("torch")
    theirs, ours = torch.load(io.BytesIO(WHOLE), weights_only=True), read_tensors(WHOLE)
    assert list(theirs) == list(ours)
    assert all(np.array_equal(theirs[name].numpy(), ours[name]) for name in ours)


@given(st.integers(0, len(WHOLE) - 1))
def test_no_part_of_a_file_is_taken_for_the_whole(length: int) -> None:
    with pytest.raises(GreycardError, match="the PyTorch file cannot be read: "):
        read_tensors(WHOLE[:length])


@pytest.mark.parametrize(
    "name",
    ["os system", "posix system", "builtins eval", "__builtin__ eval", "torch HalfStorage", "numpy load",
     "torch._utils _rebuild_parameter", "collections deque", "collections OrderedDict.fromkeys"],
)  # fmt: skip
def test_other_names_are_refused_and_not_called(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    hostile = b"\x80\x02" + _global(name) + b"(" + _value("echo called") + b"tR."
    for content in (hostile, MAGIC + hostile, MAGIC + PROTOCOL + hostile, MAGIC + PROTOCOL + SYSTEM + hostile):
        with pytest.raises(GreycardError, match=f"names {name.replace(' ', '.')}, which"):
            read_tensors(content)
    keys = WHOLE.replace(pickle.dumps(["9", "7"], 2), hostile)
    with pytest.raises(GreycardError, match=f"names {name.replace(' ', '.')}, which"):
        read_tensors(keys)
    assert "called" not in capfd.readouterr().out


identifiers = st.text("abcdefghijklmnopqrstuvwxyz_.", min_size=1, max_size=12)


@given(identifiers, identifiers)
def test_any_other_name_is_refused(module: str, name: str) -> None:
    described = b"\x80\x02" + _global(f"{module} {name}") + b"."
    with pytest.raises(GreycardError, match="names "):
        read_tensors(MAGIC + PROTOCOL + SYSTEM + described)


def test_an_object_that_runs_code_when_it_is_unpickled_does_not(tmp_path: Any) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "made"),)

    with pytest.raises(GreycardError, match="names "):
        read_tensors(pickle.dumps(Hostile(), 2))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("tensor", "storage", "words"),
    [
        (_tensor("0", 12, (13,), (1,)), _storage(VALUES), "outside its storage"),
        (_tensor("0", 12, (4,), (1,), offset=9), _storage(VALUES), "outside its storage"),
        (_tensor("0", 12, (2, 3), (12, 1)), _storage(VALUES), "outside its storage"),
        (_tensor("0", 12, (10**12,), (0,)), _storage(VALUES), "outside its storage"),
        (_tensor("0", 12, (0,), (1,)), _storage(VALUES), "outside its storage"),
        (_tensor("0", 12, (4,), (1,), offset=-1), _storage(VALUES), "unknown way"),
        (_tensor("0", 12, (4,), (-1,), offset=5), _storage(VALUES), "unknown way"),
        (_tensor("0", 12, (4, 1), (1,)), _storage(VALUES), "unknown way"),
        (_tensor("0", 12, ("4",), (1,)), _storage(VALUES), "unknown way"),
        (_tensor("0", "12", (4,), (1,)), _storage(VALUES), "unknown way"),
        (_tensor("0", 11, (4,), (1,)), _storage(VALUES), "size of storage 0 is wrong"),
        (_tensor("0", -12, (4,), (1,)), _storage(VALUES, -12), "size of storage 0 is wrong"),
        (_tensor("0", 10**12, (4,), (1,)), _storage(VALUES, 10**12), "ends within storage 0"),
        (_tensor("0", 12, (4,), (1,)), _storage(VALUES) + b"more", "bytes follow"),
        (_tensor("1", 12, (4,), (1,)), _storage(VALUES), "list of storages"),
        (_value([1, 2]), _storage(VALUES), "not a state_dict"),
        (_global("torch FloatStorage") + b")R", _storage(VALUES), "damaged"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(tensor: bytes, storage: bytes, words: str) -> None:
    with pytest.raises(GreycardError, match=words):
        read_tensors(_file({"weight": tensor}, {"0": storage}))


def test_other_formats_are_refused() -> None:
    for content in (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", pickle.dumps(1, 2) * 4, MAGIC + pickle.dumps(1002, 2)):
        with pytest.raises(GreycardError, match="the PyTorch file cannot be read: it is"):
            read_tensors(content)
    for described in ([], {"weight": 1}):
        with pytest.raises(GreycardError, match="not a state_dict"):
            read_tensors(MAGIC + PROTOCOL + SYSTEM + pickle.dumps(described, 2) + pickle.dumps([], 2))
