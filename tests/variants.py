"""Parameters of a test of which a few run by default; the others are slow."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def quick_are(quick: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """The values as parameters; those that are not among the quick ones are marked slow."""
    values = list(values)
    assert all(value in values for value in quick)
    return [value if value in quick else pytest.param(value, marks=pytest.mark.slow) for value in values]
