"""Write the generated blocks of README.md and docs/: `make docs`. A test checks that they are up to date.

A block lies between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import ast
import json
import re
import runpy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

import classroom
from capacity import capacity
from greycard.cli.main import cli
from greycard.core.fields import Field
from greycard.datasets.catalog import CATALOG
from greycard.projects import projects
from greycard.recipe.describe import described_parts
from greycard.recipe.settings import as_setting
from greycard.reports.columns import percent, seconds
from highlights import highlights

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
GAINS = runpy.run_path(str(ROOT / "benchmarks" / "gains.py"))
TABLE = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))

BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        page.write_text(fresh(page.read_text(encoding="utf-8")), encoding="utf-8")


def fresh(text: str) -> str:
    """A page's text with its generated blocks up to date."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{MAKERS[found[2]]()}\n\n{found[3]}", text)


def command_line() -> str:
    """Every command's `--help`, as a terminal of 100 columns shows it."""
    names = ["", *cli.commands]
    return "\n\n".join(f"## greycard {name}".rstrip() + f"\n\n```text\n{_help(name)}\n```" for name in names)


def _help(name: str) -> str:
    parent = click.Context(cli, info_name="greycard", terminal_width=100, help_option_names=["-h", "--help"])
    if not name:
        return cli.get_help(parent)
    command = cli.commands[name]
    return command.get_help(click.Context(command, info_name=name, parent=parent, terminal_width=100))


def recipe_fields() -> str:
    """The fields of each part of a recipe, as `greycard recipe` lists them."""
    return "\n\n".join(f"### {part}\n\n{_fields(fields)}" for part, fields in described_parts().items())


def _fields(fields: Sequence[Field]) -> str:
    rows = [f"| `{field.name}` | {_default(field)} | {field.allowed} | {field.meaning} |" for field in fields]
    return "\n".join(["| field | default | values | what it is |", "| --- | --- | --- | --- |", *rows])


def _default(field: Field) -> str:
    return "required" if field.required else f"`{as_setting(field.default)}`"


def project_pages() -> str:
    """For each project: what it teaches, its recipe in a line, the published and the measured figures."""
    return "\n\n".join(_project(project) for project in projects())


def _project(project: Any) -> str:
    recipe, published = project.recipe, project.published
    optimizer, training = recipe.optimizer, recipe.training
    facts = [
        f"{recipe.architecture}; {optimizer.kind} {optimizer.learning_rate:g}, batch {training.batch_size},"
        f" {training.epochs} epochs{', augmented' if recipe.augmentation else ''}; data: `{recipe.data.dataset}`"
    ]
    if published and published.val_accuracy:
        time = f", {seconds(published.seconds_per_epoch)} an epoch" if published.seconds_per_epoch else ""
        note = f"; “{published.note}”" if published.note else ""
        facts.append(f"published: {percent(published.val_accuracy)} in validation{time}{note}")
    if measured := TABLE["fact"](recipe.name):
        facts.append(measured)
    return f"### {project.name}\n\n{project.teaches}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def datasets() -> str:
    """The catalog: name, images, licence, the paths it may have, the size of the download."""
    rows = ["| name | images | licence | looked for in | download |", "| --- | --- | --- | --- | --- |"]
    for entry in CATALOG:
        places = [train + (f", {val}" if val else "") for train, val in entry.layouts] or [entry.folder or "–"]
        size = sum(item.size or 0 for item in entry.downloads) / 1e6
        how = f"{size:,.0f} MB" if size else "size not published" if entry.downloads else entry.by_hand or "comes along"
        images = " / ".join(f"{count:,}" for count in entry.counts if count)
        rows.append(f"| `{entry.name}` | {images} | {entry.licence} | `{'`; `'.join(places)}` | {how} |")
    return "\n".join(rows)


def benchmarks() -> str:
    """Greycard against plain Keras: the tables of benchmarks/page.py."""
    return runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["page"]()


def compared() -> str:
    """Paired comparisons of the table's runs."""
    entries = json.loads((RESULTS / "differences" / "table.json").read_text(encoding="utf-8"))["rows"]
    head = ["dataset", "recipes", "difference, points", "95 % interval", "p", "only the first right", "only the second"]
    cells = [_compared_row(entry, found) for entry in entries for found in entry["differences"]]
    lines = [f"| {' | '.join(line)} |" for line in [head, ["---", "---", *["---:"] * 5], *cells]]
    machines = " and ".join(dict.fromkeys(entry["measured"]["environment"]["machine"] for entry in entries))
    dates = " and ".join(dict.fromkeys(entry["measured"]["date"] for entry in entries))
    link = "[table.json](../benchmarks/results/differences/table.json)"
    origin = f"Compared on {machines}, {dates}, from seed 0 of each: {link}."
    return "\n".join([*lines, "", origin, "", _read_out(entries[0])])


def _read_out(entry: dict[str, Any]) -> str:
    """How to read the first line of the table."""
    found = entry["differences"][0]
    points, low, high = (abs(100 * found[name]) for name in ("difference", "low", "high"))
    better, worse = (found["second"], found["first"]) if found["difference"] < 0 else (found["first"], found["second"])
    sides = sorted((found["only_first"], found["only_second"]))
    return (
        f"How to read the first line: of {entry['images']:,} images, {sides[1]} are right only in {better} and"
        f" {sides[0]} only in {worse}. {better} is better by {points:.2f} points, with a 95 % interval of"
        f" {min(low, high):.2f} to {max(low, high):.2f}. If both were equally good, a split at least as uneven as"
        f" {sides[0]} to {sides[1]} would have a probability of {found['p']:.1g}."
    )


def _compared_row(entry: dict[str, Any], found: dict[str, Any]) -> list[str]:
    points, low, high = (f"{100 * found[name]:+.2f}" for name in ("difference", "low", "high"))
    judged = f"{found['p_adjusted']:.2g}" + ("" if found["is_real"] else ", not real")
    recipes = f"{found['first']} − {found['second']}"
    sides = [str(found[name]) for name in ("only_first", "only_second")]
    return [entry["dataset"], recipes, points, f"{low} to {high}", judged, *sides]


def outcome(lesson: str, *, early: bool = False) -> str:
    """The accuracies of a lesson's two runs, by seed and precision; with `early`, also after 20 epochs."""
    every = json.loads((RESULTS / "lessons" / "outcomes.json").read_text(encoding="utf-8"))["rows"]
    rows = [row for row in every if row["lesson"] == lesson]
    sides = [rows[0][side]["run"] for side in ("worse", "better")]
    head = ["precision", "seed", *(f"`{side}`" for side in sides), "difference, points", "95 % interval"]
    head += ["difference after 20 epochs"] if early else []
    cells = [_outcome_row(row)[: len(head)] for row in rows]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *cells]
    measured = rows[0]["measured"]
    link = "[outcomes.json](../../benchmarks/results/lessons/outcomes.json)"
    origin = (
        f"Validation accuracies on {rows[0]['val_images']} images, measured on {measured['environment']['machine']},"
        f" {measured['date']}: {link}."
    )
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), "", origin])


def _outcome_row(row: dict[str, Any]) -> list[str]:
    points, low, high, early = (f"{100 * row[name]:+.1f}" for name in ("difference", "low", "high", "early_difference"))
    accuracies = [percent(row[side]["val_accuracy"], 1) for side in ("worse", "better")]
    return [row["precision"], str(row["seed"]), *accuracies, points, f"{low} to {high}", early]


def packages() -> str:
    """Each package of src/greycard with the first sentence of its docstring."""
    rows = []
    for path in sorted((ROOT / "src" / "greycard").glob("*/__init__.py")):
        summary = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
        rows.append(f"| [`{path.parent.name}/`](src/greycard/{path.parent.name}) | {summary} |")
    return "\n".join(["| package | contents |", "| --- | --- |", *rows])


def session() -> str:
    """README's terminal session, recorded by docs/screenshots.py."""
    return f"```text\n{(ROOT / 'docs' / 'images' / 'session.txt').read_text(encoding='utf-8')}```"


def doctor() -> str:
    """What `greycard check` finds, from its result files."""
    return runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["doctor_page"]()


def torture(name: str) -> str:
    """One table of torture/page.py."""
    return runpy.run_path(str(ROOT / "torture" / "page.py"))["table"](name)


_LESSONS = {
    "convolution": ("mnist-dnn", "mnist-cnn"),
    "folders": ("horses-humans-cnn",),
    "speed": ("mnist-dnn", "mnist-cnn", "horses-humans-cnn", "cats-dogs-3k-cnn"),
    "augmentation": (
        "horses-humans-cnn",
        "horses-humans-cnn-augmented",
        "cats-dogs-3k-cnn",
        "cats-dogs-3k-cnn-augmented",
    ),
    "transfer": ("horses-humans-cnn", "horses-humans-transfer", "cats-dogs-3k-cnn", "cats-dogs-3k-transfer"),
    "many-classes": ("fashion-mnist-dnn", "fashion-mnist-cnn"),
    "your-image": ("cats-dogs-3k-transfer",),
}
"""The projects with measured results that a lesson shows."""

_README = ("fashion-mnist-cnn", "mnist-cnn", "horses-humans-cnn", "cats-dogs-3k-transfer", "cats-dogs-25k-cnn")
"""The projects in README's table; the last one misses its published accuracy."""


def regression() -> str:
    """The errors of numbers from images, and the coverage of their prediction intervals."""
    place = RESULTS / "regression.json"
    rows = json.loads(place.read_text(encoding="utf-8"))["rows"] if place.is_file() else []
    lines = [
        "| set | model | mean absolute error | without a model | R² | inside the 90 % intervals |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [_numbers_row(row) for row in rows if "r2" in row]
    return "\n".join([*lines, *(_coverage(row) for row in rows if "mean_coverage" in row)])


def _numbers_row(row: dict[str, Any]) -> str:
    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    error, guess = mean(row["mae"]), row["guess_mae"]
    seeds = "1 seed" if len(row["mae"]) == 1 else f"{len(row['mae'])} seeds"
    model = f"{row['recipe']}, {row['train_images'] + row['val_images']:,} images, {seeds}"
    inside = percent(mean(row["coverage"]), 1)
    unit = row["unit"]
    return f"| {row['set']} | {model} | {error:.1f} {unit} | {guess:.1f} {unit} | {mean(row['r2']):.2f} | {inside} |"


def _coverage(row: dict[str, Any]) -> str:
    shares, count = row["coverage"], row["calibrated_on"]
    least, most, mean = (percent(share, 1) for share in (min(shares), max(shares), row["mean_coverage"]))
    return (
        f"\nOver {len(shares)} splits of {row['set']}, a small network that keeps its {row['kept']} epoch has {mean} of"
        f" {row['test_images']:,} new images inside its 90 % intervals, from {least} to {most}. Each is calibrated on"
        f" {count} images; so few leave some points to chance."
    )


MAKERS: dict[str, Callable[[], str]] = {
    "regression": regression,
    "capacity": capacity,
    "command-line": command_line,
    "recipe-fields": recipe_fields,
    "projects": project_pages,
    "datasets": datasets,
    "packages": packages,
    "session": session,
    "highlights": highlights,
    "results": partial(TABLE["measured"], *_README),
    "measured": TABLE["measured"],
    "every-run": TABLE["every_run"],
    "curves-25k": partial(TABLE["curves"], "cats-dogs-25k-cnn", "cats-dogs-25k-cnn-augmented"),
    "benchmarks": benchmarks,
    "compared": compared,
    "doctor": doctor,
    "records": GAINS["records_table"],
    "ablation": GAINS["ablation_table"],
    "peers": GAINS["peers_table"],
    **{f"torture-{name}": partial(torture, name) for name in ("resumes", "kills", "flips", "faults", "fuzz")},
    "real-stopping": partial(TABLE["lesson"], "mnist-dnn", files=("stopping",)),
    "outcome-augmentation": partial(outcome, "6-augmentation", early=True),
    "outcome-transfer": partial(outcome, "7-transfer"),
    "outcome-overfitting": classroom.cures,
    "short-projects": classroom.short_projects,
    "lesson-costs": classroom.lessons,
    **{f"real-{lesson}": partial(TABLE["lesson"], *names) for lesson, names in _LESSONS.items()},
}


if __name__ == "__main__":
    main()
