"""Write the generated blocks of README.md and docs/ anew: `make docs`. A test holds them against the program.

A block lies between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from greycard.cli.main import cli
from greycard.datasets.catalog import CATALOG
from greycard.evaluation.intervals import accuracy_interval
from greycard.fields import Field, described
from greycard.pipeline.augmentation import CHECKS as AUGMENTATION_CHECKS
from greycard.pipeline.augmentation import Augmentation
from greycard.projects import projects
from greycard.recipe import CHECKS as RECIPE_CHECKS
from greycard.recipe import Recipe
from greycard.reports.columns import percent, seconds, span
from greycard.settings import as_setting

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FILES = (
    "embedded",
    "table-dense",
    "table-mnist-cnn",
    "table-fashion-cnn",
    "table-horses",
    "table-horses-transfer",
    "table-cats-cnn",
    "table-cats-augmented",
    "table-transfer",
    "table-cats-transfer",
)
"""What the README's table is made from; of a project that is in several, the longest runs are shown."""

BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        page.write_text(fresh(page.read_text(encoding="utf-8")), encoding="utf-8")


def fresh(text: str) -> str:
    """A page's text with its blocks made anew."""
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
    """The fields of a recipe, as `greycard recipe` lists them."""
    own, inner = described(Recipe, RECIPE_CHECKS), described(Augmentation, AUGMENTATION_CHECKS)
    return _fields(own) + "\n\n### Augmentation\n\n" + _fields(inner)


def _fields(fields: Sequence[Field]) -> str:
    rows = [f"| `{field.name}` | {_default(field)} | {field.allowed} | {field.meaning} |" for field in fields]
    return "\n".join(["| field | default | values | what it is |", "| --- | --- | --- | --- |", *rows])


def _default(field: Field) -> str:
    return "required" if field.required else f"`{as_setting(field.default)}`"


def project_pages() -> str:
    """What each project teaches, its recipe in a line and its published figures."""
    return "\n\n".join(_project(project) for project in projects())


def _project(project: Any) -> str:
    recipe, published = project.recipe, project.published
    facts = [
        f"{recipe.architecture}; {recipe.optimizer} {recipe.learning_rate:g}, batch {recipe.batch_size},"
        f" {recipe.epochs} epochs{', augmented' if recipe.augmentation else ''}; data: `{recipe.dataset}`"
    ]
    if published and published.val_accuracy:
        time = f", {seconds(published.seconds_per_epoch)} an epoch" if published.seconds_per_epoch else ""
        facts.append(f"published: {percent(published.val_accuracy)} in validation{time}; “{published.note}”")
    return f"### {project.name}\n\n{project.teaches}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def datasets() -> str:
    """The catalog: name, images, licence, where it is looked for, what is downloaded."""
    rows = ["| name | images | licence | looked for in | download |", "| --- | --- | --- | --- | --- |"]
    for entry in CATALOG:
        places = [train + (f", {val}" if val else "") for train, val in entry.layouts] or [entry.folder or "–"]
        size = sum(item.size or 0 for item in entry.downloads) / 1e6
        how = f"{size:,.0f} MB" if size else "size not published" if entry.downloads else entry.by_hand or "comes along"
        images = " / ".join(f"{count:,}" for count in entry.counts if count)
        rows.append(f"| `{entry.name}` | {images} | {entry.licence} | `{'`; `'.join(places)}` | {how} |")
    return "\n".join(rows)


def measured() -> str:
    """The README's table, every figure from a committed result file."""
    results = {name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in FILES}
    rows = _longest([row for result in results.values() for row in result["rows"] if row["val_accuracy"] is not None])
    sources = [f"[{name}.json](benchmarks/results/{name}.json)" for name in FILES]
    result = results[FILES[-1]]
    where = result["environment"]
    origin = (
        f"Measured on {where['machine']}, {result['date']}, Keras {where['keras']} on {where['backend']}"
        f" {where['backend_version']}, Python {where['python']}; accuracies of the last epoch."
        f" Commands and commits are in {', '.join(sources)}."
    )
    return "\n".join([*_HEAD, *map(_measured_row, rows), "", origin])


def real_rows(*names: str, files: Sequence[str] = FILES) -> str:
    """Runs of some projects on their real data, for a lesson: the longest ones, or all that some files have."""
    results = [(name, json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))) for name in files]
    rows = [row for _, result in results for row in result["rows"] if row["project"] in names]
    rows = _longest(rows) if files is FILES else rows
    rows.sort(key=lambda row: names.index(row["project"]))
    used = [(name, result) for name, result in results if any(row in rows for row in result["rows"])]
    links = ", ".join(f"[{name}.json](../../benchmarks/results/{name}.json)" for name, _ in used)
    origin = f"Measured on {used[0][1]['environment']['machine']}, {used[0][1]['date']}: {links}."
    return "\n".join([*_HEAD, *map(_measured_row, rows), "", origin])


_HEAD = (
    "| project | train / val images | epochs | seed | train acc | val acc | 95 % interval | s / epoch"
    " | published (epochs) |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def _longest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each project the runs with the most epochs, in the order of the published table."""
    most: dict[str, int] = {}
    for row in rows:
        most[row["project"]] = max(row["epochs"], most.get(row["project"], 0))
    chosen = [row for row in rows if row["epochs"] == most[row["project"]]]
    order = [project.recipe.name for project in projects()]
    return sorted(chosen, key=lambda row: (order.index(row["project"]), row["seed"]))


def _measured_row(row: dict[str, Any]) -> str:
    published = "–"
    if row["published_val_accuracy"] is not None:
        published = f"{percent(row['published_val_accuracy'])} ({row['published_epochs']})"
    cells = [
        f"`{row['project']}`",
        f"{row['train_images']:,} / {row['val_images']:,}",
        str(row["epochs"]),
        str(row["seed"]),
        percent(row["train_accuracy"]),
        percent(row["val_accuracy"]),
        span(*accuracy_interval(row["val_accuracy"], row["val_images"])),
        seconds(row["seconds_per_epoch"]),
        published,
    ]
    return f"| {' | '.join(cells)} |"


def benchmarks() -> str:
    """Greycard against plain Keras; the tables are made beside the scripts that measure them."""
    return runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["page"]()


def compared() -> str:
    """The table's runs compared with each other."""
    entries = json.loads((RESULTS / "differences" / "table.json").read_text(encoding="utf-8"))["rows"]
    head = ["dataset", "recipes", "difference, points", "95 % interval", "p", "only the first right", "only the second"]
    cells = [_compared_row(entry, found) for entry in entries for found in entry["differences"]]
    lines = [f"| {' | '.join(line)} |" for line in [head, ["---", "---", *["---:"] * 5], *cells]]
    measured = entries[0]["measured"]
    link = "[table.json](../benchmarks/results/differences/table.json)"
    origin = f"Compared on {measured['environment']['machine']}, {measured['date']}, from seed 0 of each: {link}."
    return "\n".join([*lines, "", origin, "", _read_out(entries[0])])


def _read_out(entry: dict[str, Any]) -> str:
    """The first line of the table in words."""
    found = entry["differences"][0]
    points, low, high = (abs(100 * found[name]) for name in ("difference", "low", "high"))
    better, worse = (found["second"], found["first"]) if found["difference"] < 0 else (found["first"], found["second"])
    sides = sorted((found["only_first"], found["only_second"]))
    return (
        f"Read the first line so: of {entry['images']:,} images, {sides[1]} are answered rightly by {better} alone and"
        f" {sides[0]} by {worse} alone. {better} is better by {points:.2f} points; on other images of the kind it would"
        f" likely be by {min(low, high):.2f} to {max(low, high):.2f}. Were the two equally good, a division as uneven"
        f" as {sides[0]} to {sides[1]} would have a chance of {found['p']:.1g}."
    )


def _compared_row(entry: dict[str, Any], found: dict[str, Any]) -> list[str]:
    points, low, high = (f"{100 * found[name]:+.2f}" for name in ("difference", "low", "high"))
    judged = f"{found['p_adjusted']:.2g}" + ("" if found["is_real"] else ", not real")
    recipes = f"{found['first']} − {found['second']}"
    sides = [str(found[name]) for name in ("only_first", "only_second")]
    return [entry["dataset"], recipes, points, f"{low} to {high}", judged, *sides]


def doctor() -> str:
    """What the dataset doctor finds, from its result files."""
    return runpy.run_path(str(ROOT / "benchmarks" / "page.py"))["doctor_page"]()


def torture(name: str) -> str:
    """What was done to Greycard and what it lost; the tables are made beside the scripts that do it."""
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
    "your-picture": ("cats-dogs-3k-transfer",),
}
"""The projects whose real figures stand beside a lesson."""

MAKERS: dict[str, Callable[[], str]] = {
    "command-line": command_line,
    "recipe-fields": recipe_fields,
    "projects": project_pages,
    "datasets": datasets,
    "measured": measured,
    "benchmarks": benchmarks,
    "compared": compared,
    "doctor": doctor,
    **{f"torture-{name}": partial(torture, name) for name in ("resumes", "kills", "flips", "faults", "fuzz")},
    "real-stopping": partial(real_rows, "mnist-dnn", files=("stopping",)),
    **{f"real-{lesson}": partial(real_rows, *names) for lesson, names in _LESSONS.items()},
}


if __name__ == "__main__":
    main()
