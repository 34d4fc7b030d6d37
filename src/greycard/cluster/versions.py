"""What has to be equal on all machines of a sweep, so that all of its runs are by the same code."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import greycard
from greycard.backend.keras_settings import chosen_backend
from greycard.core.errors import GreycardError

_NAMES = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "jax": ("jax",), "torch": ("torch",)}
"""The packages that bring each backend."""

_CODE = "code"


@cache
def facts() -> dict[str, str]:
    """The versions in use, and a digest of Greycard's source files: a version number says little in development."""
    backend = chosen_backend()
    return {
        "greycard": _version("greycard"),
        _CODE: _digest(),
        "keras": _version("keras"),
        backend: _version(*_NAMES[backend]),
        "numpy": _version("numpy"),
        "python": platform.python_version(),
    }


def expect_equal(ours: dict[str, str], theirs: dict[str, str], place: str) -> None:
    """Raise a GreycardError that names the first difference.

    Args:
        ours: facts of the machine on which the command runs.
        theirs: of another machine.
        place: its name.
    """
    for name in ours:
        here, there = ours[name], theirs.get(name, "none")
        if here == there:
            continue
        if name == _CODE:
            sentence, package = (
                f"{place} has other source files of Greycard {ours['greycard']} than this machine",
                "greycard",
            )
        else:
            sentence, package = f"{place} has {name} {there}; this machine has {here}", name
        raise GreycardError(sentence, hint=f"install the same {package} on all machines, so that all runs compare")


def _version(*names: str) -> str:
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "none"


def _digest() -> str:
    root, digest = Path(greycard.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
