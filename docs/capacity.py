"""The arithmetic of docs/machines/capacity.md: what a million to a billion images take, from measured rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

SPEED = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "speed"
SIZES = (1_000_000, 100_000_000, 1_000_000_000)
SHARD = 4096
BYTES_PER_FILE = 100_000
FEATURES = 1280
KEYS_A_SECOND = 10_000
"""Of a bucket: 1,000 a call, and about ten calls a second, one after the other."""
CORES = 16 * 100


def capacity() -> str:
    """A line for each kind of work, a column for each number of images."""
    predicted = _rate("beyond", "units_per_cpu_second", work="predict", where="here")
    features = _rate("features", "images_per_core_second", how="Greycard", instructions="avx512_bf16")
    decoded = _rate("pipeline", "images_per_core_second", work="first read", how="Greycard")
    task = _rate("beyond", "driver_ms_per_task", work="workers")
    rows: list[tuple[str, Callable[[int], str]]] = [
        (f"files, {BYTES_PER_FILE // 1000} kB each", lambda count: _bytes(count * BYTES_PER_FILE)),
        ("names in the manifest, 60 bytes each", lambda count: _bytes(count * 60)),
        (f"listing a bucket, {KEYS_A_SECOND:,} names/s", lambda count: _time(count / KEYS_A_SECOND)),
        (f"predict, {predicted:.0f} images/s of a core", lambda count: _core_hours(count / predicted)),
        ("the same on 100 machines of 16 cores", lambda count: _time(count / predicted / CORES)),
        (f"features, {features:.0f} images/s of a core", lambda count: _core_hours(count / features)),
        (f"{FEATURES:,} features in float32", lambda count: _bytes(count * FEATURES * 4)),
        (f"decode for `check`, {decoded:.0f} images/s of a core", lambda count: _core_hours(count / decoded)),
        (f"shards of {SHARD:,}", lambda count: f"{-(-count // SHARD):,}"),
        (f"the driver, {task:.2f} ms a shard", lambda count: _time(count / SHARD * task / 1000)),
    ]
    head = ["", *(f"{size:,} images" for size in SIZES)]
    lines = [head, ["---", *["---:"] * len(SIZES)], *([name, *map(of, SIZES)] for name, of in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(file: str, name: str, **chosen: str) -> float:
    rows = json.loads((SPEED / f"{file}.json").read_text(encoding="utf-8"))["rows"]
    return next(
        row[name] for row in rows if name in row and all(row.get(key) == value for key, value in chosen.items())
    )


def _bytes(count: float) -> str:
    size, unit = next((size, unit) for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")) if count >= size)
    return f"{count / size:,.3g} {unit}"


def _core_hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2g} core hours" if seconds < 36_000 else f"{seconds / 3600:,.0f} core hours"


def _time(seconds: float) -> str:
    size, unit = next(((size, unit) for size, unit in ((3600, "h"), (60, "min")) if seconds >= size), (1, "s"))
    return f"{seconds / size:,.2g} {unit}"
