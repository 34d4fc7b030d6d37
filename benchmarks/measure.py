"""Run projects one after the other and write what came out to a result file, as the README's figures are made.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/measure.py NAME --epochs 2 --seed 0 1 2 -- PROJECT…

writes `benchmarks/results/NAME.json`: the command, commit, machine, versions, date, and a table row for each run; after
every project, so that an interrupted measurement keeps what it has. The runs themselves are kept with `--out FOLDER`;
differences.py compares them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from result import commit, today, write

HERE = Path(__file__).parent


def main() -> None:
    options = _options()
    target = HERE / "results" / f"{options.name}.json"
    result: dict[str, Any] = {"command": _command(options), "commit": commit(), "date": today()}
    with tempfile.TemporaryDirectory() as scratch:
        runs = options.out or scratch
        for project in options.projects:
            _run(project, options, runs)
            result |= {"environment": _environment(runs), "rows": _table(runs)}
            write(target, result)
    print(f"{target.name}: {len(result['rows'])} rows")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name")
    parser.add_argument("projects", nargs="+")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--target-accuracy", type=float, help="stop each run once its validation accuracy is there")
    parser.add_argument("--out", help="keep the runs in this folder, which measures nothing else")
    return parser.parse_args()


def _command(options: argparse.Namespace) -> str:
    words = ["python", "benchmarks/measure.py", options.name, *_changes(options)]
    words += ["--seed", *map(str, options.seed), "--"]
    return " ".join([*words, *options.projects])


def _changes(options: argparse.Namespace) -> list[str]:
    """What both this command and `greycard run` are told."""
    epochs = ["--epochs", str(options.epochs)] if options.epochs else []
    target = ["--target-accuracy", str(options.target_accuracy)] if options.target_accuracy else []
    return [*epochs, *target]


def _run(project: str, options: argparse.Namespace, runs: str) -> None:
    for seed in options.seed:
        words = ["run", project, "--out", runs, "--quiet", "--seed", str(seed), *_changes(options)]
        subprocess.run([sys.executable, "-m", "greycard", *words], check=True)


def _table(runs: str) -> list[dict[str, Any]]:
    words = ["table", "--out", runs, "--format", "json"]
    return json.loads(subprocess.check_output([sys.executable, "-m", "greycard", *words]))


def _environment(runs: str) -> dict[str, object]:
    newest = max(Path(runs).glob("*/environment.json"), key=lambda path: path.stat().st_mtime)
    facts = json.loads(newest.read_text(encoding="utf-8"))
    return {name: value for name, value in facts.items() if name not in ("schema", "started")}


if __name__ == "__main__":
    main()
