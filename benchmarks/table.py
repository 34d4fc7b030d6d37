"""The published table as measured here, from the result files: for README, docs/projects.md and the lessons.

A project with several seeds has one line: the median run, and the range over the seeds.
`docs/generate.py` loads this file by its path, so it imports none of its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from greycard.evaluation.intervals import accuracy_interval
from greycard.projects import projects
from greycard.reports.columns import percent, seconds, span

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Trained:
    """One finished run as a result file has it.

    Attributes:
        file: the result file's name without its ending.
        machine: which processor, and how many cores.
        train_accuracy: of the last epoch, 0 to 1, as are the other accuracies.
        published: the published validation accuracy, None where nothing was published.
        remark: what a reader of its figures must know, or nothing.
    """

    file: str
    date: str
    machine: str
    software: str
    project: str
    seed: int
    epochs: int
    train_images: int
    val_images: int
    train_accuracy: float
    val_accuracy: float
    best_val_accuracy: float
    best_epoch: int
    seconds_per_epoch: float
    published: float | None
    published_epochs: int | None
    remark: str

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the validation accuracy."""
        return accuracy_interval(self.val_accuracy, self.val_images)


@dataclass(frozen=True)
class Row:
    """All runs of one project: the same recipe with different seeds, the lowest validation accuracy first."""

    runs: tuple[Trained, ...]

    @property
    def median(self) -> Trained:
        """The run in the middle; of an even number, the lower of the two."""
        return self.runs[(len(self.runs) - 1) // 2]

    @property
    def reached(self) -> bool:
        """Whether the published accuracy is within the 95 % interval, or below it."""
        published = self.median.published
        return published is not None and published <= self.median.interval[1]


Column = tuple[str, Callable[[Row], str]]


def read(names: Iterable[str] = (), folder: Path = RESULTS) -> list[Trained]:
    """The runs in some result files; by default in all of the table."""
    chosen = list(names) or ["embedded", *sorted(path.stem for path in folder.glob("table-*.json"))]
    runs = []
    for name in chosen:
        result = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        runs += [_trained(name, result, row) for row in result["rows"] if row["val_accuracy"] is not None]
    return runs


def rows(runs: Iterable[Trained]) -> list[Row]:
    """A row for each project, in the published table's order: its longest runs, the newest of each seed."""
    gathered: dict[str, dict[int, Trained]] = {}
    for run in sorted(runs, key=lambda run: (run.epochs, run.date)):
        seeds = gathered.setdefault(run.project, {})
        if any(other.epochs < run.epochs for other in seeds.values()):
            seeds.clear()
        seeds[run.seed] = run
    order = [project.name for project in projects()]
    by_accuracy = [sorted(seeds.values(), key=lambda run: run.val_accuracy) for seeds in gathered.values()]
    return sorted((Row(tuple(runs)) for runs in by_accuracy), key=lambda row: order.index(row.median.project))


def measured(*names: str, folder: Path = RESULTS) -> str:
    """The published projects, a line each; with `names`, only those."""
    published = [row for row in rows(read(folder=folder)) if row.median.published is not None]
    if names:
        published = [row for row in published if row.median.project in names]
    return "\n".join([*table(published, _MEASURED), "", _where(published, "benchmarks/results", files=False)])


def every_run(folder: Path = RESULTS) -> str:
    """All runs behind that table, a line each, for docs/projects.md."""
    found = rows(read(folder=folder))
    lone = [Row((run,)) for row in found for run in sorted(row.runs, key=lambda run: run.seed)]
    return "\n".join([*table(lone, _EVERY), "", _where(found, "../benchmarks/results")])


def lesson(*names: str, files: Sequence[str] = (), folder: Path = RESULTS) -> str:
    """Some projects on their real data; with `files`, every run in those."""
    runs = [run for run in read(files, folder) if run.project in names]
    chosen = [Row((run,)) for run in runs] if files else rows(runs)
    chosen.sort(key=lambda row: names.index(row.median.project))
    columns = _EVERY if files else _LESSON
    return "\n".join([*table(chosen, columns), "", _where(chosen, "../../benchmarks/results")])


def fact(project: str, folder: Path = RESULTS) -> str | None:
    """What was measured of a project, in a line; None where nothing was."""
    found = [row for row in rows(read(folder=folder)) if row.median.project == project]
    if not found:
        return None
    row, run = found[0], found[0].median
    over = f", the median of {len(row.runs)} seeds ({_range(row)})" if len(row.runs) > 1 else f", seed {run.seed}"
    best = f"; the best epoch, {run.best_epoch}, had {percent(run.best_val_accuracy)}"
    return f"measured: {percent(run.val_accuracy)} ({span(*run.interval)}) in the last epoch{over}{best}"


def curves(*names: str, folder: Path = RESULTS) -> str:
    """Projects side by side, a line for each epoch."""
    found = [_curves_of(name, folder) for name in names]
    titles = [title for name in names for title in (f"`{name}`: train acc", "val acc", "val loss")]
    lines = [["epoch", *titles], ["---:"] * (len(titles) + 1)]
    for epoch in range(len(found[0]["val_accuracy"])):
        lines.append([str(epoch + 1), *chain.from_iterable(_epoch(curve, epoch) for curve in found)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _epoch(curve: dict[str, list[float]], epoch: int) -> list[str]:
    accuracies = [percent(curve[f"{part}_accuracy"][epoch], 1) for part in ("train", "val")]
    return [*accuracies, f"{curve['val_loss'][epoch]:.2f}"]


def _curves_of(project: str, folder: Path) -> dict[str, list[float]]:
    files = sorted(folder.glob("table-*.json"))
    rows = [row for path in files for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    return next(row["curves"] for row in rows if row["project"] == project and "curves" in row)


def reached(folder: Path = RESULTS) -> tuple[int, int]:
    """How many published accuracies were reached, and of how many."""
    published = [row for row in rows(read(folder=folder)) if row.median.published is not None]
    return sum(row.reached for row in published), len(published)


def table(rows: Sequence[Row], columns: Sequence[Column]) -> list[str]:
    """A Markdown table; all columns but the first are numbers, to the right."""
    lines = [[title for title, _ in columns], ["---", *["---:"] * (len(columns) - 1)]]
    lines += [[show(row) for _, show in columns] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _trained(name: str, result: dict[str, Any], row: dict[str, Any]) -> Trained:
    facts = result["environment"]
    backend = f"{facts['backend']} {facts['backend_version']}"
    own = {field: row[field] for field in Trained.__dataclass_fields__ if field in row and field not in facts}
    return Trained(
        file=name,
        date=result["date"],
        machine=facts["machine"],
        software=f"Keras {facts['keras']} on {backend}, Python {facts['python']}",
        published=row["published_val_accuracy"],
        remark=result.get("note", ""),
        **own,
    )


def _where(rows: Sequence[Row], place: str, *, files: bool = True) -> str:
    """When and on what it was measured, and what a reader must know of some of it."""
    runs = [run for row in rows for run in row.runs]
    dates = sorted({run.date for run in runs})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    machines = " and ".join(dict.fromkeys(f"{run.machine}, {run.software}" for run in runs))
    links = ", ".join(f"[{name}.json]({place}/{name}.json)" for name in dict.fromkeys(run.file for run in runs))
    lines = [f"Measured on {machines}, {when}" + (f": {links}." if files else ".")]
    for remark in dict.fromkeys(run.remark for run in runs if run.remark):
        lines.append(f"{_listed(run.project for run in runs if run.remark == remark)}: {remark}.")
    return "\n".join(lines)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in dict.fromkeys(names))


def _range(row: Row) -> str:
    low, high = (100 * run.val_accuracy for run in (row.runs[0], row.runs[-1]))
    return f"{low:.1f} to {high:.1f} %"


def _seeds(row: Row) -> str:
    return f"{len(row.runs)}: {_range(row)}" if len(row.runs) > 1 else "1"


def _published(row: Row) -> str:
    run = row.median
    return "–" if run.published is None else f"{percent(run.published)} ({run.published_epochs})"


_PROJECT: Column = ("project", lambda row: f"`{row.median.project}`")
_IMAGES: Column = ("train / val images", lambda row: f"{row.median.train_images:,} / {row.median.val_images:,}")
_EPOCHS: Column = ("epochs", lambda row: str(row.median.epochs))
_SEED: Column = ("seed", lambda row: str(row.median.seed))
_SEEDS: Column = ("seeds: range", _seeds)
_TRAIN: Column = ("train acc", lambda row: percent(row.median.train_accuracy))
_VAL: Column = ("val acc", lambda row: percent(row.median.val_accuracy))
_INTERVAL: Column = ("95 % interval", lambda row: span(*row.median.interval))
_BEST: Column = ("best epoch", lambda row: f"{percent(row.median.best_val_accuracy)} @ {row.median.best_epoch}")
_SECONDS: Column = ("s / epoch", lambda row: seconds(row.median.seconds_per_epoch))
_PUBLISHED: Column = ("published", lambda row: percent(row.median.published))
_PUBLISHED_EPOCHS: Column = ("published (epochs)", _published)

_MEASURED = (_PROJECT, _IMAGES, _EPOCHS, _VAL, _INTERVAL, _SEEDS, _PUBLISHED)
_LESSON = (_PROJECT, _IMAGES, _EPOCHS, _TRAIN, _VAL, _INTERVAL, _SEEDS, _SECONDS, _PUBLISHED_EPOCHS)
_EVERY = (_PROJECT, _IMAGES, _EPOCHS, _SEED, _TRAIN, _VAL, _INTERVAL, _BEST, _SECONDS, _PUBLISHED_EPOCHS)
