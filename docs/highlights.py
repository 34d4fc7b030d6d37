"""README's six bullets: each number is computed from a committed result file."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

from greycard.projects.records import records
from greycard.reports.columns import percent

ROOT = Path(__file__).resolve().parents[1]
Row = dict[str, Any]


def highlights() -> str:
    """Six Markdown bullets."""
    bullets = (_accuracy(), _speed(), _table(), _check(), _use(), _reliability())
    return "\n".join(f"- {bullet}" for bullet in bullets)


def _accuracy() -> str:
    quick, careful = (
        next(its for one, its in records() if one.name == f"cats-and-dogs-filtered-{minutes}")
        for minutes in ("1-minute", "10-minutes")
    )
    return (
        f"**Accurate in a minute.** From 2,000 photographs of cats and dogs to a saved model:"
        f" {percent(quick.accuracy, 1)} on {quick.images:,} others after {quick.seconds:.0f} seconds, and"
        f" {percent(careful.accuracy, 1)} after {careful.seconds:.0f} ([records](docs/records.md))."
    )


def _speed() -> str:
    rows = [row for row in _rows("benchmarks/results/speed/rows.json") if row["data"] is None]
    epochs = [row["ratio"] for row in rows if not row["whole"]]
    whole = [row["total_ratio"] for row in rows if row["whole"]]
    best = [row["ratio"] for row in _rows("benchmarks/results/speed/epochs.json")]
    return (
        f"**Fast without a GPU.** On the same two CPU cores, an epoch is {_range(epochs)} times as fast as in a"
        f" tutorial's Keras and at least {min(best):.2f} times as fast as in Keras at its best, and a whole"
        f" transfer-learning run {_range(whole)} times ([benchmarks](docs/benchmarks.md))."
    )


def _table() -> str:
    reached, published = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))["reached"]()
    return (
        f"**Reproducible.** One command trains each of {published} published projects. {reached} of them reach the"
        f" published accuracy within the 95 % interval; [the projects page](docs/projects.md) explains the rest."
    )


def _check() -> str:
    rows = _rows("benchmarks/results/doctor/copies.json")
    found, copies = (sum(row[name] for row in rows) for name in ("found", "copies"))
    wrong = sum(row["false_pairs"] for row in rows)
    return (
        f"**Checks the data.** `greycard check` finds leaks, duplicates and wrong labels. It found {found:,} of"
        f" {copies:,} changed copies of photographs, with {wrong or 'no'} false pairs ([how](docs/check.md))."
    )


def _use() -> str:
    rows = {row["work"]: row for row in _rows("benchmarks/results/speed/use.json")}
    ours, plain = (rows["predict"][side]["files_per_second"] for side in ("greycard", "plain"))
    endured = rows["endure"]
    return (
        f"**Ready to use.** `greycard predict` classifies {ours:.0f} files/s; a loop of Keras calls, {plain:.0f}. The"
        f" [server](docs/serve.md) answered {endured['requests']:,} requests with {endured['errors'] or 'no'} errors."
        f" Every [export](docs/export.md) passes a parity check."
    )


def _reliability() -> str:
    rows = _rows("torture/results/kills.json")
    killed, survived = (sum(row[name] for row in rows) for name in ("killed", "survived"))
    return (
        f"**Loses nothing.** Of {killed} runs that were killed at random moments, {survived} resumed and ended with"
        f" exactly the weights of an uninterrupted run ([reliability](docs/reliability.md))."
    )


def _range(ratios: list[float]) -> str:
    return f"{min(ratios):.1f} to {max(ratios):.1f}"


def _rows(path: str) -> list[Row]:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))["rows"]
