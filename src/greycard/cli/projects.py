"""`greycard projects`."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from greycard.cli import options


@click.command()
@click.argument("names", nargs=-1, metavar="[PROJECT]...")
@options.data_dir
@options.debug
def projects(names: tuple[str, ...], data_dir: str | None, debug: bool) -> None:
    """List the projects, or say what the named ones teach."""
    from greycard.projects import find_project
    from greycard.projects import projects as all_projects

    if names:
        for name in names:
            click.echo(_page(find_project(name), data_dir))
        return
    rows = [_row(project, data_dir) for project in all_projects()]
    header = ("project", "dataset", "task", "architecture", "epochs", "published", "data")
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, tuple("─" * width for width in widths), *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    click.echo(
        "\n`greycard projects NAME` says what one teaches; `greycard fetch DATASET` brings data that is missing."
    )


def _row(project: Any, data_dir: str | None) -> tuple[str, ...]:
    from greycard.datasets.load import is_here

    recipe, published = project.recipe, project.published
    accuracy = f"{100 * published.val_accuracy:g} %" if published and published.val_accuracy else "–"
    here = "here" if is_here(recipe.dataset, data_dir) else "missing"
    return (project.name, recipe.dataset, _task(recipe), _architecture(recipe), str(recipe.epochs), accuracy, here)


def _architecture(recipe: Any) -> str:
    return recipe.architecture + (", augmented" if recipe.augmentation else "")


def _task(recipe: Any) -> str:
    from greycard.datasets.catalog import entry

    if recipe.is_regression:
        return "regression"
    classes = len(entry(recipe.dataset).classes)
    return "binary" if classes == 2 else f"{classes} classes"


def _page(project: Any, data_dir: str | None) -> str:
    cells = dict(
        zip(
            ("dataset", "task", "architecture", "epochs", "published", "data"), _row(project, data_dir)[1:], strict=True
        )
    )
    facts = "\n".join(f"  {name:<13} {value}" for name, value in cells.items())
    return f"{project.name}\n{textwrap.indent(project.teaches, '  ')}\n\n{facts}\n\n  greycard run {project.name}\n"
