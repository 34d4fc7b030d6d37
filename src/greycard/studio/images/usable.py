"""Which folders the page can show, and which of them can be checked and trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.datasets.layouts import find_layout
from greycard.datasets.parts import STRANGERS
from greycard.datasets.roles import role_of
from greycard.deploy.serve.limits import RefusedError

_LEAST = 2
"""Images of a class: one for training, one for validation."""

_NO_CLASS = {"", STRANGERS}
"""Images without a label, and images of none of the classes."""


def expect_usable(root: Path) -> None:
    """Raise a GreycardError if it is a file, or already split into training and validation images."""
    if root.exists() and not root.is_dir():
        raise GreycardError(f"{root} is a file; expected a folder", hint=command("studio", root.parent))
    parts = [each for each in sorted(root.iterdir()) if each.is_dir() and role_of(each.name)] if root.is_dir() else []
    if parts and find_layout(root).validation:
        names = " and ".join(f"{each.name}/" for each in parts)
        raise GreycardError(
            f"{root} is already split into {names}; expected a folder for each class", hint=command("studio", parts[0])
        )


def expect_classes(images: Mapping[str, Sequence[str]]) -> None:
    """Raise a RefusedError if there are not two classes, each with two images or more.

    Args:
        images: the ids of each class's images; those without a label are under ``""``.
    """
    few = [f"{name} has {len(ids)}" for name, ids in images.items() if name not in _NO_CLASS and len(ids) < _LEAST]
    if few:
        raise RefusedError(409, f"give every class at least {_LEAST} images first, or remove it: {', '.join(few)}")
    if len(images.keys() - _NO_CLASS) < _LEAST:
        raise RefusedError(409, f"label images of at least {_LEAST} classes first")
