"""What torture found: `results/NAME.json`, rows with the command, commit, machine, versions and date they come from."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "benchmarks"))

from result import ResultFile, parser  # noqa: E402

__all__ = ["parser", "tell"]


def tell(name: str, key: str, rows: Iterable[Mapping[str, Any]], *, keep: bool) -> None:
    """Write each row as it comes; the process ends with an error if any has something in `lost`.

    Args:
        name: the result file's.
        key: the field that tells rows apart.
        rows: each with `lost`, a list of what was lost and should not have been.
        keep: whether anything is written; rows are printed either way.
    """
    file = ResultFile(name, (key,), keep=keep, folder=HERE / "results")
    lost = []
    for row in rows:
        file.put(row)
        lost += row["lost"]
    if lost:
        raise SystemExit(f"{len(lost)} lost: {lost[0]}")
