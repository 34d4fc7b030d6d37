"""Training steps of Greycard on each backend of Keras, and of Keras's `fit`, on this machine or its GPU.

    python benchmarks/backends.py [ROW…] [--on tensorflow jax torch] [--rounds 1] [--seconds 10]

Each side in turn in a process of its own, in both precisions, and `fit` also with 32 steps a call where Keras can;
random pixels, as in `peers/steps.py`. JAX and PyTorch must be installed. Writes `results/speed/backends.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).parent / "peers"))

from step_rows import ROWS

import child
from result import ResultFile, parser

BACKENDS = ("tensorflow", "jax", "torch")
PRECISIONS = ("float32", "bfloat16")
_PEERS = Path(__file__).parent / "peers"
_SMALL = 64


def main() -> None:
    options = _options()
    results = ResultFile("backends", ("row", "backend", "on"), keep=not options.quick)
    for row in options.rows or list(ROWS):
        for backend in options.on:
            results.put({"row": row, "backend": backend, **_measured(row, backend, options)})


def _measured(row: str, backend: str, options: argparse.Namespace) -> dict[str, Any]:
    """Images a second of each side, where that was, and Greycard's best as a multiple of Keras's best."""
    found: dict[str, list[float]] = {}
    on = ""
    for _ in range(options.rounds):
        for side, words in _sides(row, backend):
            words = [sys.executable, *words, "--seconds", str(options.seconds)]
            line = json.loads(child.run(words, **_environment(backend)).output.splitlines()[-1])
            found.setdefault(side, []).append(line["images_per_second"])
            on = line.get("on", on)
    speeds = {side: median(each) for side, each in found.items()}
    best = {who: max(speed for side, speed in speeds.items() if side.startswith(who)) for who in ("Greycard", "Keras")}
    return {"on": on, "images_per_second": speeds, "ratio": best["Greycard"] / best["Keras"]}


def _sides(row: str, backend: str) -> Iterator[tuple[str, list[str]]]:
    for precision in PRECISIONS:
        asked = [row, "--precision", precision]
        yield f"Greycard {precision}", [str(_PEERS / "greycard_steps.py"), *asked]
        yield f"Keras {precision}", [str(_PEERS / "keras_fit.py"), *asked]
        if backend != "torch" and ROWS[row].size < _SMALL:  # Keras has one step a call on PyTorch
            yield f"Keras {precision} at-once 32", [str(_PEERS / "keras_fit.py"), *asked, "--at-once", "32"]


def _environment(backend: str) -> dict[str, str]:
    return {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("rows", nargs="*", metavar="ROW", help="all by default")
    made.add_argument("--on", nargs="+", choices=BACKENDS, default=BACKENDS, help="these backends; all by default")
    made.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    options = made.parse_args()
    if options.quick:
        options.rows, options.on, options.seconds = ["mnist-dnn"], BACKENDS[:1], 0.2
    return options


if __name__ == "__main__":
    main()
