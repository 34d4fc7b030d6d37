"""Convert values that Python callers pass to plain values that JSON can store."""

from __future__ import annotations

import os
from typing import Any


def plain(value: Any) -> Any:
    """Convert NumPy numbers and arrays to Python values, and paths to text; also inside lists and tuples."""
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value.tolist() if hasattr(value, "tolist") else value
