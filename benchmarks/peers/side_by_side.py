"""Greycard beside scripts of a peer's user, on the same images: accuracy at equal minutes, minutes to equal accuracy.

    GREYCARD_WEIGHTS=… python benchmarks/peers/side_by_side.py FOLDER [--fastai /tmp/peer-venv/bin/python] [--seed 0]

FOLDER has train/ and validation/ with one folder for each class. Each side is a fresh process, one after the other:
`greycard train FOLDER` with an empty cache, with its own choice of weights and then with those of the guide of Keras;
this guide (keras_guide.py); and fastai (fastai_tune.py) if the Python of its environment is named. The minutes are from
the start of the process. Writes `results/peers.json`, a row for each side with its curve. The accuracies are on the
validation images; `chosen` says whether a side also chose its epoch on them, which makes its figure slightly
optimistic.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import child  # noqa: E402
from greycard.core.paths import weights_dir  # noqa: E402
from greycard.runs.record import RunRecord, find_runs  # noqa: E402
from result import ResultFile  # noqa: E402

MOBILENET = "mobilenet_v2_1.0_224_notop.weights.h5"


@dataclass(frozen=True)
class Point:
    """What a side had reached after some minutes.

    Attributes:
        minutes: since the start of its process.
        accuracy: on the validation images, a fraction.
    """

    minutes: float
    accuracy: float


@dataclass(frozen=True)
class Curve:
    """A side's points, in order, and whether it chose among its epochs by the same images."""

    points: list[Point]
    chosen: bool = False


def accuracy_at(curve: Sequence[Point], minutes: float) -> float | None:
    """The accuracy of the last point within these minutes; None if there was none yet."""
    reached = [point for point in curve if point.minutes <= minutes]
    return reached[-1].accuracy if reached else None


def minutes_to(curve: Sequence[Point], accuracy: float) -> float | None:
    """The minutes after which the accuracy was first reached; None if it was not."""
    return next((point.minutes for point in curve if point.accuracy >= accuracy), None)


def main() -> None:
    asked = _options()
    results = ResultFile("peers", ("side", "data", "seed"), keep=not asked.quick, folder=HERE.parent / "results")
    curves = {}
    for name, side in _chosen(_sides(asked), asked.only).items():
        curve = side()
        curves[name] = curve.points
        row = {"side": name, "data": asked.folder.name, "seed": asked.seed, "chosen": curve.chosen}
        results.put(row | {"curve": [vars(point) for point in curve.points]})
    print("\n".join(side_by_side(curves)), file=sys.stderr)


def side_by_side(curves: Mapping[str, Sequence[Point]]) -> list[str]:
    """For each side: its end, what the others had at that time, and how long they took to that accuracy."""
    lines = []
    for name, curve in curves.items():
        end = curve[-1]
        lines.append(f"{name}: {100 * end.accuracy:.2f} % after {end.minutes:.2f} minutes")
        for other, its in curves.items():
            if other != name:
                at, to = accuracy_at(its, end.minutes), minutes_to(its, end.accuracy)
                had = "nothing yet" if at is None else f"{100 * at:.2f} %"
                took = "did not reach it" if to is None else f"reached it after {to:.2f} minutes"
                lines.append(f"  {other} then had {had}, and {took}")
    return lines


def _sides(asked: argparse.Namespace) -> dict[str, Callable[[], Curve]]:
    sides: dict[str, Callable[[], Curve]] = {
        "greycard": lambda: _greycard(asked),
        "greycard, the weights of keras": lambda: _greycard(asked, "--backbone", "MobileNetV2"),
        "keras": lambda: _printed([sys.executable, HERE / "keras_guide.py", asked.folder, *_keras(asked)]),
    }
    if asked.fastai:
        words = [asked.fastai, HERE / "fastai_tune.py", asked.folder, "--seed", asked.seed]
        sides["fastai"] = lambda: _printed([*words, *(["--epochs", 1] if asked.quick else [])])
    return sides


def _chosen(sides: dict[str, Callable[[], Curve]], only: Sequence[str] | None) -> dict[str, Callable[[], Curve]]:
    """The sides that were asked for, or all."""
    if unknown := set(only or ()) - set(sides):
        raise SystemExit(f"no side {', '.join(sorted(unknown))}; expected some of: {'; '.join(sides)}")
    return {name: side for name, side in sides.items() if not only or name in only}


def _keras(asked: argparse.Namespace) -> list[Any]:
    words = ["--weights", weights_dir() / MOBILENET, "--seed", asked.seed]
    return [*words, *(["--epochs", 1, 1, "--steps", 1] if asked.quick else [])]


def _printed(words: Sequence[Any]) -> Curve:
    """The points that a script prints, one JSON object in a line; other lines are left out."""
    lines = child.run([str(word) for word in words]).output.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return Curve([Point(each["minutes"], each["accuracy"]) for each in found])


def _greycard(asked: argparse.Namespace, *more: str) -> Curve:
    """One point: the finished model, its files written.

    Args:
        asked: the options.
        more: words of the command.
    """
    few = ["--epochs", "1", "--set", "train_limit=40", "--set", "val_limit=20"] if asked.quick else []
    with tempfile.TemporaryDirectory() as scratch:
        words = [
            sys.executable,
            "-m",
            "greycard",
            "train",
            str(asked.folder),
            "--seed",
            str(asked.seed),
            "--quiet",
            *more,
        ]
        finished = child.run([*words, "--out", f"{scratch}/runs", *few], GREYCARD_CACHE=f"{scratch}/cache")
        summary = RunRecord(find_runs(f"{scratch}/runs")[0]).summary
        return Curve([Point(finished.seconds / 60, summary.val_accuracy or 0.0)], summary.kept_epoch is not None)


def _options() -> argparse.Namespace:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("folder", type=Path)
    made.add_argument("--fastai", type=Path, metavar="PYTHON", help="of the environment with fastai (fastai_tune.py)")
    made.add_argument("--only", nargs="+", metavar="SIDE", help="measure these sides; the other rows are kept")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--quick", action="store_true", help="at the smallest size, to see that it works; keeps nothing")
    return made.parse_args()


if __name__ == "__main__":
    main()
