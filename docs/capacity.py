"""The arithmetic of docs/machines/capacity.md: what a million to a billion images take, from measured rates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
SIZES = (1_000_000, 100_000_000, 1_000_000_000)
SHARD = 4096
BYTES_PER_FILE = 100_000
FEATURES = 1280
KEYS_A_SECOND = 10_000
"""Of a bucket: 1,000 a call, and about ten calls a second, one after the other."""
CORES = 16 * 100
BYTES_OF_SEARCH, BYTES_OF_PAIRS = 114, 2.4e9
"""Two descriptors of 32 bytes and 50 bytes to sort them; at most 20 million pairs of 120 bytes."""


def capacity() -> str:
    """A line for each kind of work, a column for each number of images."""
    predicted = _rate("beyond", "units_per_cpu_second", work="predict", where="here")
    features = _rate("features", "images_per_core_second", how="Greycard", instructions="avx512_bf16")
    decoded = _rate("pipeline", "images_per_core_second", work="first read", how="Greycard")
    task = _rate("beyond", "driver_ms_per_task", work="workers")
    searched = SIZES[0] / _rate("search", "seconds", "doctor", images=SIZES[0])
    rows: list[tuple[str, Callable[[int], str]]] = [
        (f"files, {BYTES_PER_FILE // 1000} kB each", lambda count: _bytes(count * BYTES_PER_FILE)),
        ("names in the manifest, 60 bytes each", lambda count: _bytes(count * 60)),
        (f"listing a bucket, {KEYS_A_SECOND:,} names/s", lambda count: _time(count / KEYS_A_SECOND)),
        (f"predict, {predicted:.0f} images/s of a core", lambda count: _core_hours(count / predicted)),
        ("the same on 100 machines of 16 cores", lambda count: _time(count / predicted / CORES)),
        (f"features, {features:.0f} images/s of a core", lambda count: _core_hours(count / features)),
        (f"{FEATURES:,} features in float32", lambda count: _bytes(count * FEATURES * 4)),
        (f"decode for `check`, {decoded:.0f} images/s of a core", lambda count: _core_hours(count / decoded)),
        (
            f"search for near-duplicates, {searched:,.0f} images/s of one core",
            lambda count: _core_hours(count / searched),
        ),
        (
            f"its memory, {BYTES_OF_SEARCH} bytes an image and at most {BYTES_OF_PAIRS / 1e9} GB",
            lambda count: _bytes(count * BYTES_OF_SEARCH + BYTES_OF_PAIRS),
        ),
        (f"shards of {SHARD:,}", lambda count: f"{-(-count // SHARD):,}"),
        (f"the driver, {task:.2f} ms a shard", lambda count: _time(count / SHARD * task / 1000)),
    ]
    head = ["", *(f"{size:,} images" for size in SIZES)]
    lines = [head, ["---", *["---:"] * len(SIZES)], *([name, *map(of, SIZES)] for name, of in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(file: str, name: str, folder: str = "speed", **chosen: str | int) -> float:
    rows = json.loads((RESULTS / folder / f"{file}.json").read_text(encoding="utf-8"))["rows"]
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
