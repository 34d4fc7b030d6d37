"""Training steps of Greycard beside its peers at their best, in turn, each in a process of its own.

    python benchmarks/peers/steps.py [ROW…] [--rounds 3] [--seconds 10]

Keras in both precisions, with XLA and without, several steps a call for small images; PyTorch in both precisions,
eager and compiled. The scripts beside this one say what each does. A peer's best is the best of its settings. Random
pixels: what is timed is the step alone. Writes `results/speed/steps.json`, with the machine's own rates in every row.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from step_rows import ROWS  # noqa: E402

import child  # noqa: E402
from greycard.core.processor import instruction_set  # noqa: E402
from result import ResultFile, parser  # noqa: E402

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}
_SMALL = 28
"""Up to this many pixels, Keras is also measured with several steps a call."""


@dataclass(frozen=True)
class Side:
    """One program with its settings.

    Attributes:
        peer: `Greycard`, `Keras` or `PyTorch`.
        options: of its script.
    """

    peer: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Such as `Keras bfloat16 jit`."""
        return " ".join([self.peer, *(word.removeprefix("--") for word in self.options if word != "--precision")])


def main() -> None:
    options = _options()
    results = ResultFile("steps", ("row", "instructions"), keep=not options.quick)
    for row in options.rows or list(ROWS):
        peak = said("../peak.py")
        own = said("greycard_steps.py", row, "--seconds", 0.1)
        rounds: dict[Side, list[float]] = {side: [] for side in _sides(row, compiled=not options.no_compile)}
        for number in range(options.rounds):
            for side in list(rounds)[:: -1 if number % 2 else 1]:
                if speed := _speed(side, row, options.seconds):
                    rounds[side].append(speed)
        results.put(summary(row, rounds) | _share(own, rounds, peak))


def _sides(row: str, *, compiled: bool) -> list[Side]:
    found = [Side("Greycard")]
    at_once = ((), ("--at-once", "32")) if ROWS[row].size <= _SMALL else ((),)
    for precision in ("float32", "bfloat16"):
        words = ("--precision", precision)
        found += [Side("Greycard", words)]
        found += [Side("Keras", (*words, *jit, *more)) for jit in ((), ("--jit",)) for more in at_once]
        found += [Side("PyTorch", (*words, *more)) for more in ((), ("--compile",))[: 2 if compiled else 1]]
    return found


def _speed(side: Side, row: str, seconds: float) -> float | None:
    """Images a second; None if this side cannot run here."""
    try:
        speed = said(f"{side.peer.lower().removeprefix('py')}_steps.py", row, *side.options, "--seconds", seconds)
    except RuntimeError as error:
        print(f"{row}: {side.name} fails: {str(error).splitlines()[-1]}", file=sys.stderr)
        return None
    print(f"{row}: {side.name} {speed['images_per_second']:,.0f} images/s", file=sys.stderr, flush=True)
    return float(speed["images_per_second"])


def said(script: str, *words: object) -> Any:
    """What a script of this folder prints last, which is JSON."""
    finished = child.run([sys.executable, str(HERE / script), *map(str, words)], **_QUIET)
    return json.loads(finished.output.splitlines()[-1])


def summary(row: str, rounds: Mapping[Side, list[float]]) -> dict[str, Any]:
    """A row: medians in images a second, each peer's best settings, and Greycard's ratio to the better peer."""
    medians = {side: median(speeds) for side, speeds in rounds.items() if speeds}
    best = {
        peer: max((side for side in medians if side.peer == peer), key=medians.__getitem__)
        for peer in ("Keras", "PyTorch")
    }
    own = medians[Side("Greycard")]
    return {
        "row": row,
        "instructions": instruction_set(),
        "images_per_second": {side.name: speed for side, speed in medians.items()},
        "best": {peer: side.name for peer, side in best.items()},
        "ratio": own / max(medians[side] for side in best.values()),
        "each_round": {side.name: speeds for side, speeds in rounds.items()},
    }


def _share(own: Mapping[str, Any], rounds: Mapping[Side, list[float]], peak: Mapping[str, float]) -> dict[str, Any]:
    """The machine's rates, and that of Greycard's steps as a share, counted as direct convolutions."""
    rate = median(rounds[Side("Greycard")]) * own["operations"] / 1e9
    return {"peak": dict(peak), "share_of_peak": rate / peak[f"gflops_{own['precision']}"]}


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=3)
    made.add_argument("rows", nargs="*", metavar="ROW", help="all by default")
    made.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    made.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    options = made.parse_args()
    if options.quick:
        options.rows, options.rounds, options.seconds, options.no_compile = ["mnist-dnn"], 1, 0.2, True
    return options


if __name__ == "__main__":
    main()
