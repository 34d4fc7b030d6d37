"""One worker of a group that trains in parts, for `benchmarks/parts.py`; it reads the group's key from `GROUP_KEY`.

Random pixels, dropout, one thread. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from itertools import cycle, islice
from typing import Any

import numpy as np
from greycard_steps import recipe
from step_rows import ROWS, StepRow

from greycard import backend
from greycard.backend.exchange import Exchange

WARM_UP, SEED = 2, 0


def main() -> None:
    asked = _options()
    row = ROWS[asked.row]
    backend.start()
    from greycard.cluster.hub import Link

    key = bytes.fromhex(os.environ["GROUP_KEY"])
    with Link(("127.0.0.1", asked.port), key, asked.rank, asked.workers) as link:
        steps, model = _steps(row, asked.parts, asked.steps, link)
        calls = -(-asked.steps // steps.steps_per_execution)
        batches = cycle(_batches(row, steps.steps_per_execution))
        for batch in islice(batches, WARM_UP):
            steps.train(*batch)
        steps.result()  # JAX and GPUs work while Python goes on
        link.gather(b"")
        begun, cpu = time.perf_counter(), time.process_time()
        for batch in islice(batches, calls):
            steps.train(*batch)
        steps.result()
        done = calls * steps.steps_per_execution
        seconds, cpu_seconds = (time.perf_counter() - begun) / done, (time.process_time() - cpu) / done
    digest = hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "digest": digest}))


def _steps(row: StepRow, parts: int, steps: int, exchange: Exchange) -> tuple[Any, Any]:
    """The steps and their model."""
    from greycard.backend.steps import choices_for, steps_for, steps_in_parts
    from greycard.models.build import build_model

    backend.seed_everything(SEED)
    model = build_model(recipe(row).replace(**{"model.dropout": 0.2}), row.classes, steps=steps).network
    if parts > 1:
        return steps_in_parts(model, parts, SEED, exchange), model
    enough = 1_000_000  # steps, so that compiling is worth it
    return steps_for(model, row.batch, enough, choices_for(model, row.batch, enough, "float32")), model


def _batches(row: StepRow, at_once: int) -> list[tuple[np.ndarray, np.ndarray]]:
    draws, count = np.random.default_rng(SEED), at_once * row.batch
    sizes = (count, row.size, row.size, row.channels)
    return [(draws.integers(0, 256, sizes, dtype=np.uint8), draws.integers(0, row.classes, count)) for _ in range(4)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("row", choices=ROWS)
    for name in ("parts", "steps", "workers", "rank", "port"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
