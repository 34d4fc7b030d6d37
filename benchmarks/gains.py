"""The tables of docs/records.md: records, the gain of each ingredient, Greycard beside its peers, from result files.

`docs/generate.py` loads this file by its path, so it imports none of its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from greycard.projects.records import records
from greycard.reports.columns import percent, seconds, span

RESULTS = Path(__file__).parent / "results"
LEVEL = 0.05


def records_table() -> str:
    """A line for each record, as `greycard records` lists them."""
    head = ["dataset", "minutes", "accuracy", "95 % interval", "seeds", "longest", "what it does", "command"]
    cells = [
        [
            one.recipe.data.dataset,
            str(one.minutes),
            percent(its.accuracy),
            span(its.low, its.high),
            f"{its.seeds}: {percent(its.lowest, 1)} to {percent(its.highest, 1)}",
            seconds(its.seconds),
            one.gain,
            f"`greycard run {one.name}`",
        ]
        for one, its in records()
    ]
    return _table(head, cells, "records") if cells else "No record has been measured yet."


def ablation_table(folder: Path = RESULTS) -> str:
    """A line for each ingredient: what it gains, and whether that is more than chance."""
    head = ["ingredient", "recipe", "without", "with", "difference, points", "95 % interval", "p", "CPU time, without"]
    rows = _rows(folder / "ablation.json")
    cells = [_ingredient(row) for row in rows]
    head += ["with"]
    return _table(head, cells, "ablation") if cells else "No ingredient has been measured yet."


def peers_table(folder: Path = RESULTS) -> str:
    """A line for each point of each side's curve."""
    rows = _rows(folder / "peers.json")
    head = ["images", "seed", "side", "minutes", "accuracy", "epoch chosen on them"]
    cells = [
        [row["data"], str(row["seed"]), row["side"], f"{point['minutes']:.2f}", percent(point["accuracy"]), chosen]
        for row in rows
        for chosen in ["yes" if row["chosen"] else "no"]
        for point in row["curve"]
    ]
    return _table(head, cells, "peers") if cells else "The peers have not been measured yet."


def _ingredient(row: Mapping[str, Any]) -> list[str]:
    points = [f"{100 * row[name]:+.2f}" for name in ("difference", "low", "high")]
    judged = f"{row['p']:.2g}" + ("" if row["p"] < LEVEL else ", no clear gain" if row["difference"] >= 0 else "")
    with_it, without = row["cpu_seconds"]
    return [
        row["ingredient"],
        ", ".join([f"`{row['project']}`", *_shorter(row["both"])]),
        percent(mean(row["without"])),
        percent(mean(row["with"])),
        points[0],
        f"{points[1]} to {points[2]}",
        judged,
        seconds(without),
        seconds(with_it),
    ]


def _shorter(both: Mapping[str, int]) -> list[str]:
    """How much less than the recipe both sides have."""
    names = {"epochs": "epochs", "train_limit": "images"}
    return [f"{value:,} {names[field]}" for field, value in both.items() if field in names]


def _table(head: Sequence[str], cells: Iterable[Sequence[str]], name: str) -> str:
    lines = [f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *cells]]
    return "\n".join([*lines, "", _origin(name)])


def _origin(name: str) -> str:
    """Where and when the rows of a result file were measured."""
    rows = _rows(RESULTS / f"{name}.json")
    machines = " and ".join(dict.fromkeys(row["measured"]["environment"]["machine"] for row in rows))
    dates = " and ".join(dict.fromkeys(row["measured"]["date"] for row in rows))
    return f"Measured on {machines}, {dates}: [{name}.json](../benchmarks/results/{name}.json)."


def _rows(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
