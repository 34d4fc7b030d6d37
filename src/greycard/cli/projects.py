"""`greycard projects`."""

from __future__ import annotations

import textwrap
from typing import Any

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing
from greycard.core.errors import command


@click.command()
@click.argument("names", nargs=-1, metavar="[PROJECT|FILE]...")
@options.data_dir
@options.debug
def projects(names: tuple[str, ...], data_dir: str | None, debug: bool) -> None:
    """List the projects, or describe the named ones.

    \b
    greycard projects
    greycard projects mnist-cnn
    greycard projects my_projects.py
    greycard run digits-cnn  # needs no download

    A project is a well-known task: a dataset, a recipe, and published results if there are any.
    """
    from greycard.jobs.find_recipe import find_projects
    from greycard.projects import projects as all_projects

    if names:
        for name in names:
            for project in find_projects(name):
                click.echo(_page(project, name, data_dir))
        return
    click.echo(listing([_row(project, data_dir) for project in all_projects()], _HIDDEN_FIRST))
    click.echo(_HINTS.format(_short_hint()))


_HIDDEN_FIRST = ("architecture", "epochs", "task")
_HINTS = """
`greycard projects PROJECT` describes a project, `greycard run PROJECT` trains it.
{}
`greycard fetch DATASET` downloads data that is missing."""


def _short_hint() -> str:
    from greycard.projects import short_projects

    shorts = short_projects()
    return f"For a lesson, {len(shorts)} have a variant of a minute: `{command('run', shorts[-1].name)}`."


def _row(project: Any, data_dir: str | None) -> Row:
    from greycard.datasets.open import is_present

    recipe, published = project.recipe, project.published
    accuracy = f"{100 * published.val_accuracy:g} %" if published and published.val_accuracy else "–"
    here = "here" if is_present(recipe.data.dataset, data_dir) else "missing"
    return {
        "project": project.name,
        "dataset": recipe.data.dataset,
        "task": _task(recipe),
        "architecture": _architecture(recipe),
        "epochs": str(recipe.training.epochs),
        "published": accuracy,
        "data": here,
    }


def _architecture(recipe: Any) -> str:
    return recipe.architecture + (", augmented" if recipe.augmentation else "")


def _task(recipe: Any) -> str:
    from greycard.datasets.catalog import CATALOG
    from greycard.tasks.tasks import task_for

    classes = {entry.name: entry.classes for entry in CATALOG}.get(recipe.data.dataset)
    return recipe.data.task or "–" if classes is None else task_for(len(classes), recipe.data.task).description


def _page(project: Any, name: str, data_dir: str | None) -> str:
    facts = "\n".join(f"  {name:<13} {value}" for name, value in _row(project, data_dir).items() if name != "project")
    return f"{project.name}\n{textwrap.indent(project.teaches, '  ')}\n\n{facts}\n\n  {command('run', name)}\n"
