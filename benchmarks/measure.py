"""Run projects one after the other and write their table rows to a result file.

    GREYCARD_DATA=… GREYCARD_WEIGHTS=… python benchmarks/measure.py NAME --epochs 2 --seed 0 1 2 -- PROJECT…

writes `benchmarks/results/NAME.json`: the command, commit, machine, versions, date, and a table row for each run; after
every project, so that an interrupted measurement keeps what it has. The runs themselves are kept with `--out FOLDER`;
differences.py compares them.

    python benchmarks/measure.py NAME --from RUNS --commit COMMIT --note "which images" -- PROJECT…

makes the same file of runs that were trained before, at that commit. Their recipes must be the projects' own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from greycard.projects import find_project
from greycard.runs.record import RunRecord, find_runs
from result import commit, full_commit, today, write

HERE = Path(__file__).parent


def main(words: list[str] | None = None, results: Path = HERE / "results") -> None:
    options = _options(words)
    target = results / f"{options.name}.json"
    result = _from_runs(options) if options.runs else _measured(options, target)
    write(target, result)
    print(f"{target.name}: {len(result['rows'])} rows")


def _options(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("name")
    parser.add_argument("projects", nargs="+")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--target-accuracy", type=float, help="stop each run once its validation accuracy is there")
    parser.add_argument("--out", help="keep the runs in this folder, which measures nothing else")
    parser.add_argument("--from", dest="runs", help="train nothing: a folder of finished runs; needs --commit")
    parser.add_argument("--commit", help="with --from: what was checked out when the runs were trained")
    parser.add_argument("--note", help="what a reader of the figures must know, such as which images they are of")
    options = parser.parse_args(words)
    if bool(options.runs) != bool(options.commit):
        parser.error("--from and --commit go together: finished runs do not say which code trained them")
    return options


def _measured(options: argparse.Namespace, target: Path) -> dict[str, Any]:
    """Train; `target` is written after every project."""
    result: dict[str, Any] = {"command": _command(options), "commit": commit(), "date": today(), **_note(options)}
    with tempfile.TemporaryDirectory() as scratch:
        runs = options.out or scratch
        for project in options.projects:
            _run(project, options, runs)
            result |= {"environment": _environment(runs), "rows": _table(runs)}
            write(target, result)
    return result


def _from_runs(options: argparse.Namespace) -> dict[str, Any]:
    """The same of finished runs; the date is when the last of them began."""
    facts = _environment(options.runs, keep=("started",))
    rows = [row for row in _table(options.runs) if row["project"] in options.projects]
    return {
        "command": _command(options),
        "trained_with": [_training_command(RunRecord(path)) for path in find_runs(options.runs)],
        "commit": full_commit(options.commit),
        "date": str(facts.pop("started"))[:10],
        **_note(options),
        "environment": facts,
        "rows": rows,
    }


def _training_command(run: RunRecord) -> str:
    """What trains such a run; a run with another recipe than its project's is no row of the table."""
    recipe = run.recipe
    published = find_project(recipe.name).recipe.replace(seed=recipe.training.seed, precision=recipe.training.precision)
    if not published.matches_resolved(recipe):
        sys.exit(f"{run.name} was not trained with the recipe of {recipe.name}, so it is not a row of the table")
    return f"greycard run {recipe.name} --seed {recipe.training.seed}"


def _command(options: argparse.Namespace) -> str:
    """As typed, but for the folder of runs, which is this machine's own."""
    origin = ["--from", "RUNS", "--commit", options.commit] if options.runs else []
    seeds = [] if options.runs else ["--seed", *map(str, options.seed)]
    words = ["python", "benchmarks/measure.py", options.name, *_changes(options), *origin, *seeds, "--"]
    return " ".join([*words, *options.projects])


def _note(options: argparse.Namespace) -> dict[str, str]:
    return {"note": options.note} if options.note else {}


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
    """The table's rows, each with its run's curves."""
    words = ["table", "--out", runs, "--format", "json"]
    rows = json.loads(subprocess.check_output([sys.executable, "-m", "greycard", *words]))
    return [{**row, "curves": _curves(RunRecord(Path(runs) / row["run"]))} for row in rows]


def _curves(run: RunRecord) -> dict[str, list[float]]:
    """Accuracies and losses, a number for each epoch."""
    lines = [epoch.to_json() for epoch in run.history]
    kinds = ("train_accuracy", "val_accuracy", "train_loss", "val_loss")
    return {kind: [line[kind] for line in lines] for kind in kinds if lines[0][kind] is not None}


def _environment(runs: str, keep: tuple[str, ...] = ()) -> dict[str, object]:
    newest = max(Path(runs).glob("*/environment.json"), key=lambda path: path.stat().st_mtime)
    facts = json.loads(newest.read_text(encoding="utf-8"))
    return {name: value for name, value in facts.items() if name in keep or name not in ("schema", "started")}


if __name__ == "__main__":
    main()
