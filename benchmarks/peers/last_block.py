"""Epochs that tune the last block of a pretrained network: Greycard beside its peers, each in a process of its own.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/peers/last_block.py [--rounds 2]

MobileNetV2 on the 2,000 photographs of cats and dogs. Keras and PyTorch at their best train on maps that were computed
once, as Greycard does: in both precisions, compiled or not, Keras with one step or half an epoch a call. The tutorial's
Keras runs the whole network in each epoch. What is timed is training alone, without computing the maps and without
validation. Writes `results/speed/last_block.json`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from steps import Side, said, summary  # noqa: E402

from greycard.core.paths import data_dir, weights_dir  # noqa: E402
from greycard.datasets.catalog import entry  # noqa: E402
from greycard.models.weights import weight_files  # noqa: E402
from result import ResultFile, parser  # noqa: E402

_DATASET, _NETWORK = "cats-and-dogs-filtered", "MobileNetV2"
_TUTORIAL = Side("Tutorial")
_STEPS = "31"
"""Steps a call: half an epoch."""


def main() -> None:
    options = parser(__doc__, rounds=2).parse_args()
    results = ResultFile("last_block", ("row", "instructions"), keep=not options.quick)
    folder = data_dir() / entry(_DATASET).folder
    weights = weight_files(weights_dir(), _NETWORK)[0]
    sides = [Side("Greycard"), *_peers(), _TUTORIAL]
    if options.quick:
        sides, options.rounds = [Side("Greycard"), Side("Keras"), Side("PyTorch")], 1
    rounds: dict[Side, list[float]] = {side: [] for side in sides}
    cores: dict[Side, list[float]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as maps:
        said("last_block_data.py", folder / "train", "--weights", weights, "--out", maps)
        for number in range(options.rounds):
            for side in sides[:: -1 if number % 2 else 1]:
                if side is not _TUTORIAL or number == 0:  # it is far slower
                    found = _speeds(side, folder, weights, maps)
                    rounds[side] += found.get("images_per_second", [])
                    cores[side] += found.get("images_per_core_second", [])
    per_core = {"images_per_core_second": {side.name: median(each) for side, each in cores.items() if each}}
    results.put(summary(f"{_NETWORK}, last block", rounds) | per_core)


def _peers() -> Iterator[Side]:
    for precision in ("float32", "bfloat16"):
        words = ("--precision", precision)
        for more in ((), ("--jit",), ("--at-once", _STEPS), ("--jit", "--at-once", _STEPS)):
            yield Side("Keras", (*words, *more))
        for more in ((), ("--compile",)):
            yield Side("PyTorch", (*words, *more))


def _speeds(side: Side, folder: Path, weights: Path, maps: str) -> dict[str, list[float]]:
    """Images a second, and of one core's time, of each epoch; nothing if this side cannot run here."""
    scripts: dict[str, list[Any]] = {
        "Greycard": ["greycard_last_block.py", folder],
        "Keras": ["keras_last_block.py", maps],
        "PyTorch": ["torch_last_block.py", maps],
        "Tutorial": ["keras_whole_network.py", folder / "train", "--weights", weights],
    }
    try:
        found: dict[str, list[float]] = said(*scripts[side.peer], *side.options)
    except RuntimeError as error:
        print(f"{side.name} fails: {str(error).splitlines()[-1]}", file=sys.stderr)
        return {}
    speeds = [f"{median(found[name]):,.0f}" for name in ("images_per_second", "images_per_core_second")]
    print(f"{side.name}: {speeds[0]} images/s, {speeds[1]} of one core", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
