"""The generated tables of docs/torture.md, from `results/*.json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Row = dict[str, Any]


def table(name: str) -> str:
    """A result file as a table, with its command, date, machine and commit."""
    rows = json.loads((HERE / "results" / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    head, cells = _TABLES[name]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([_shown(cell) for cell in cells(row)] for row in rows)]
    measured = rows[-1]["measured"]
    origin = (
        f"`{measured['command']}`, {measured['date']}, {measured['environment']['machine']},"
        f" commit {measured['commit']}: [{name}.json](../torture/results/{name}.json)."
    )
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", origin])


def _shown(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _resume(row: Row) -> Sequence[Any]:
    share, peak, bound = row["checkpoint_share"], row["peak_memory_mb"], row["expected_memory_mb"]
    differences, memory = ", ".join(row["lost"]) or "none", f"{peak:,.0f} of {bound:,.0f} MB"
    return row["project"], row["parameters"], row["interrupted"], differences, f"{100 * share:.2f} %", memory


def _kill(row: Row) -> Sequence[Any]:
    return row["stage"], row["killed"], row["resumed_from_a_checkpoint"], row["survived"]


def _flip(row: Row) -> Sequence[Any]:
    return row["file"], row["bytes"], row["flipped"], row["noticed"], row["said the same"], row["unnoticed"]


def _fault(row: Row) -> Sequence[Any]:
    return row["fault"], row["injected"], row["ended_with_one_sentence"], row["went_on"], row["recovered"]


def _fuzzing(row: Row) -> Sequence[Any]:
    return row["target"], row["seconds"], row["executions"], row["corpus"], row["peak_memory_mb"], row["crashes"]


_TABLES: dict[str, tuple[Sequence[str], Callable[[Row], Sequence[Any]]]] = {
    "resumes": (("project", "weights", "interrupted", "differences", "checkpoints", "memory"), _resume),
    "kills": (("stage", "kills", "from a checkpoint", "survived"), _kill),
    "flips": (("file", "bytes", "flips", "noticed", "same result", "unnoticed"), _flip),
    "faults": (("fault", "injected", "one sentence", "continued", "recovered"), _fault),
    "fuzz": (("target", "seconds", "executions", "corpus", "peak MB", "crashes"), _fuzzing),
}
