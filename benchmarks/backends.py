"""Training steps of Greycard on each backend of Keras, on this machine.

    python benchmarks/backends.py [ROW…] [--rounds 1] [--seconds 10]

TensorFlow, JAX and PyTorch in turn, each in a process of its own and in both precisions; random pixels, as in
`peers/steps.py`. JAX and PyTorch must be installed. Writes `results/speed/backends.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import product
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).parent / "peers"))

from step_rows import ROWS

import child
from greycard.core.processor import instruction_set
from result import ResultFile, parser

BACKENDS = ("tensorflow", "jax", "torch")
PRECISIONS = ("float32", "bfloat16")
_STEPS = Path(__file__).parent / "peers" / "greycard_steps.py"


def main() -> None:
    options = _options()
    results = ResultFile("backends", ("row", "instructions"), keep=not options.quick)
    for row in options.rows or list(ROWS):
        speeds: dict[tuple[str, str], list[float]] = {side: [] for side in product(options.backends, PRECISIONS)}
        for _ in range(options.rounds):
            for backend, precision in speeds:
                speeds[backend, precision].append(_speed(row, backend, precision, options.seconds))
        found = {" ".join(side): median(each) for side, each in speeds.items()}
        results.put({"row": row, "instructions": instruction_set(), "images_per_second": found})


def _speed(row: str, backend: str, precision: str, seconds: float) -> float:
    """Images a second."""
    words = [sys.executable, str(_STEPS), row, "--precision", precision, "--seconds", str(seconds)]
    finished = child.run(words, KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3")
    return float(json.loads(finished.output.splitlines()[-1])["images_per_second"])


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=1)
    made.add_argument("rows", nargs="*", metavar="ROW", help="all by default")
    made.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    options = made.parse_args()
    options.backends = BACKENDS[:1] if options.quick else BACKENDS
    if options.quick:
        options.rows, options.seconds = ["mnist-dnn"], 0.2
    return options


if __name__ == "__main__":
    main()
