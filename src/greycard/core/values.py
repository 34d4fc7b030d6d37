"""Values as Python callers pass them, as plain ones that JSON has too."""

from __future__ import annotations

import os
from typing import Any


def plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's own, and paths as text, also inside of lists and tuples."""
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.tolist() if hasattr(value, "tolist") else value
