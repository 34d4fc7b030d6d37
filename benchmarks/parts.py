"""Batches in parts: the bits of 1, 2 and 4 workers on each backend, the cost of parts, and a step on two workers.

    python benchmarks/parts.py [ROW…] [--on tensorflow jax torch] [--steps 20] [--rounds 3]

Every worker is a process (`peers/part_worker.py`); they exchange sums through a hub in this process, as the workers of
`greycard train --workers N` do. `parts` 1 are the usual steps, also with two threads. The digest is that of all weights
after the steps, so equal digests are equal bits. Seconds are the median over rounds. Writes `results/speed/parts.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).parent / "peers"))

from step_rows import ROWS

from greycard.cluster.hub import Hub
from result import ResultFile, parser

BACKENDS = ("tensorflow", "jax", "torch")
GROUPS = ((1, 1, 1), (1, 1, 2), (2, 1, 1), (4, 1, 1), (2, 2, 1), (4, 2, 1), (4, 4, 1))
"""Parts, workers, and threads of each worker."""

_WORKER = Path(__file__).parent / "peers" / "part_worker.py"


def main() -> None:
    options = _options()
    results = ResultFile("parts", ("row", "backend", "parts", "workers", "threads"), keep=not options.quick)
    for row in options.rows:
        for backend in options.on:
            for parts, workers, threads in options.groups:
                results.put(_measured(row, backend, parts, workers, threads, options))


def _measured(
    row: str, backend: str, parts: int, workers: int, threads: int, options: argparse.Namespace
) -> dict[str, Any]:
    rounds = [_group(row, backend, parts, workers, threads, options.steps) for _ in range(options.rounds)]
    digests = {worker["digest"] for each in rounds for worker in each}
    if len(digests) > 1:
        raise SystemExit(f"{row} on {backend} with parts={parts} and {workers} workers: other weights in each worker")
    return {
        "row": row,
        "backend": backend,
        "parts": parts,
        "workers": workers,
        "threads": threads,
        "steps": options.steps,
        "seconds_a_step": median(max(worker["seconds"] for worker in each) for each in rounds),
        "cpu_seconds_a_step_and_worker": median(max(worker["cpu_seconds"] for worker in each) for each in rounds),
        "digest": digests.pop()[:16],
    }


def _group(row: str, backend: str, parts: int, workers: int, threads: int, steps: int) -> list[dict[str, Any]]:
    """What each worker of one group measured."""
    hub = Hub(workers, "127.0.0.1", lambda *_: None)
    environment = {**os.environ, "KERAS_BACKEND": backend, "GREYCARD_THREADS": str(threads), "GROUP_KEY": hub.key.hex()}
    environment |= {"GREYCARD_PRECISION": "float32", "TF_CPP_MIN_LOG_LEVEL": "3"}
    words = [sys.executable, str(_WORKER), row, "--parts", str(parts), "--steps", str(steps)]
    words += ["--workers", str(workers), "--port", str(hub.address[1])]
    processes = [
        subprocess.Popen([*words, "--rank", str(rank)], stdout=subprocess.PIPE, text=True, env=environment)
        for rank in range(workers)
    ]
    printed = [process.communicate()[0] for process in processes]
    hub.close()
    if any(process.returncode for process in processes):
        raise SystemExit(f"a worker of {row} on {backend} failed")
    return [json.loads(each.splitlines()[-1]) for each in printed]


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    made.add_argument("--on", nargs="+", choices=BACKENDS, default=BACKENDS, help="these backends; all by default")
    made.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="groups with so many threads a worker")
    made.add_argument("--steps", type=int, default=20, help="of each measurement, after two")
    options = made.parse_args()
    options.groups = [group for group in GROUPS if group[2] in options.threads]
    options.rows = options.rows or ["cats-dogs-3k-cnn", "resnet-24"]
    if options.quick:
        options.rows, options.on, options.steps, options.rounds = ["mnist-dnn"], BACKENDS[:1], 2, 1
    return options


if __name__ == "__main__":
    main()
