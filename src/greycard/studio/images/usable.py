"""Which folders the page can show: those with a folder for each class, but none that is split already."""

from __future__ import annotations

from pathlib import Path

from greycard.core.errors import GreycardError, command
from greycard.datasets.layouts import find_layout
from greycard.datasets.roles import role_of


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
