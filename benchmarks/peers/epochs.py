"""Epochs of Greycard beside those of Keras at its best, in turn, each training in a fresh process.

    GREYCARD_DATA=… python benchmarks/peers/epochs.py [ROW…] [--rounds 2] [--epochs 4]

Keras is measured in both precisions (keras_epochs.py); its best is the faster one. An epoch is training and validation;
the first, which also compiles, is left out. Writes `results/speed/epochs.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import child  # noqa: E402
import sides  # noqa: E402
from compare import settled  # noqa: E402
from greycard.core.paths import data_dir  # noqa: E402
from greycard.core.processor import instruction_set  # noqa: E402
from greycard.datasets.catalog import entry  # noqa: E402
from greycard.projects import find_project  # noqa: E402
from greycard.recipe import Recipe  # noqa: E402
from result import ResultFile, parser  # noqa: E402

_ROWS = ("horses-humans-cnn", "mnist-cnn", "cats-dogs-3k-cnn")
_PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    options = _options()
    results = ResultFile("epochs", ("row", "instructions"), keep=not options.quick)
    for name in options.rows or _ROWS:
        results.put(_row(find_project(name).recipe, options))


def _row(recipe: Recipe, options: argparse.Namespace) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {"Greycard": [], **{f"Keras {precision}": [] for precision in _PRECISIONS}}
    memory = dict.fromkeys(seconds, 0.0)
    for seed in range(options.rounds):
        task = sides.Task(recipe, data_dir(), options.epochs, seed)
        ours = sides.greycard(task)
        seconds["Greycard"] += settled(ours.history)
        memory["Greycard"] = max(memory["Greycard"], ours.peak_memory_mb)
        for precision in _PRECISIONS:
            found, peak = _keras(recipe, precision, options.epochs, seed)
            seconds[f"Keras {precision}"] += found
            memory[f"Keras {precision}"] = max(memory[f"Keras {precision}"], peak)
        print(f"{recipe.name}: { ({side: round(median(each), 1) for side, each in seconds.items()}) }", file=sys.stderr)
    medians = {side: median(each) for side, each in seconds.items()}
    best = min((side for side in medians if side != "Greycard"), key=medians.__getitem__)
    return {
        "row": recipe.name,
        "instructions": instruction_set(),
        "seconds_per_epoch": medians,
        "best": best,
        "ratio": medians[best] / medians["Greycard"],
        "peak_memory_mb": memory,
        "each_epoch": seconds,
    }


def _keras(recipe: Recipe, precision: str, epochs: int, seed: int) -> tuple[list[float], float]:
    """Seconds of each epoch but the first, and the peak memory in MB."""
    folder = data_dir() / entry(recipe.data.dataset).folder
    words: list[str | Path] = [
        sys.executable,
        HERE / "keras_epochs.py",
        recipe.name,
        "--data",
        folder,
        "--epochs",
        str(epochs),
    ]
    finished = child.run([*words, "--precision", precision, "--seed", str(seed)], TF_CPP_MIN_LOG_LEVEL="3")
    return json.loads(finished.output.splitlines()[-1])["seconds"][1:], finished.peak_memory_mb


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=2)
    made.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(_ROWS)} by default")
    made.add_argument("--epochs", type=int, default=4)
    options = made.parse_args()
    if options.quick:
        options.rows, options.rounds, options.epochs = ["mnist-cnn"], 1, 2
    return options


if __name__ == "__main__":
    main()
