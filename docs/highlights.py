"""README's five bullets: each number is computed from a committed result file."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, Any]


def highlights() -> str:
    """Five Markdown bullets."""
    bullets = (_speed(), _table(), _check(), _use(), _reliability())
    return "\n".join(f"- {bullet}" for bullet in bullets)


def _speed() -> str:
    rows = [row for row in _rows("benchmarks/results/speed/rows.json") if row["data"] is None]
    epochs = [row["ratio"] for row in rows if not row["whole"]]
    whole = [row["total_ratio"] for row in rows if row["whole"]]
    return (
        f"**Fast without a GPU.** On the same two CPU cores, an epoch is {_range(epochs)} times as fast as in plain"
        f" Keras, a whole transfer-learning run {_range(whole)} times ([benchmarks](docs/benchmarks.md))."
    )


def _table() -> str:
    reached, published = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))["reached"]()
    return (
        f"**Reproducible.** {published} published projects, one command each; {reached} reach the published accuracy"
        f" within the 95 % interval, and [the projects page](docs/projects.md) says why the others do not."
    )


def _check() -> str:
    rows = _rows("benchmarks/results/doctor/copies.json")
    found, copies = (sum(row[name] for row in rows) for name in ("found", "copies"))
    wrong = sum(row["false_pairs"] for row in rows)
    return (
        f"**Checks the data.** `greycard check` finds leaks, duplicates and wrong labels: {found:,} of {copies:,}"
        f" changed copies of photographs, and {wrong or 'no'} wrong pairs ([how](docs/check.md))."
    )


def _use() -> str:
    rows = {row["work"]: row for row in _rows("benchmarks/results/speed/use.json")}
    ours, plain = (rows["predict"][side]["files_per_second"] for side in ("greycard", "plain"))
    endured = rows["endure"]
    return (
        f"**Ready to use.** `greycard predict` reads and answers {ours:.0f} files/s, a loop of Keras calls {plain:.0f};"
        f" the [server](docs/serve.md) answered {endured['requests']:,} requests with"
        f" {endured['errors'] or 'no'} errors; [exports](docs/export.md) give the same answers."
    )


def _reliability() -> str:
    rows = _rows("torture/results/kills.json")
    killed, survived = (sum(row[name] for row in rows) for name in ("killed", "survived"))
    return (
        f"**Loses nothing.** Of {killed} runs killed at random moments, {survived} resumed to exactly the weights of an"
        f" undisturbed run ([reliability](docs/reliability.md))."
    )


def _range(ratios: list[float]) -> str:
    return f"{min(ratios):.1f} to {max(ratios):.1f}"


def _rows(path: str) -> list[Row]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))["rows"]
