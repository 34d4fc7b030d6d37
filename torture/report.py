"""What torture found: `results/NAME.json`, rows with the command, commit, machine, versions and date they come from."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "benchmarks"))

from result import ResultFile, parser  # noqa: E402

__all__ = ["parser", "results"]


def results(name: str, *key: str, keep: bool) -> ResultFile:
    """The result file `name`; `key` are the fields that tell its rows apart."""
    return ResultFile(name, key, keep=keep, folder=HERE / "results")
