"""`greycard recipe`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options

if TYPE_CHECKING:
    from greycard.core.fields import Field
    from greycard.recipe import Recipe


@click.command()
@click.argument("project", required=False)
@options.text_or_json
@options.debug
def recipe(project: str | None, form: str, debug: bool) -> None:
    """List the fields of a recipe, or print a PROJECT's recipe.

    \b
    greycard recipe            # every field: default, values, meaning
    greycard recipe mnist-cnn  # what that project trains
    greycard run digits-cnn --set batch_size=64 --set conv=32,64

    `greycard run`, `train` and `show` change every field with --set FIELD=VALUE.
    """
    from greycard.pipeline import augmentation
    from greycard.recipe import CHECKS, Recipe

    if project is not None:
        from greycard.projects import find_project

        found = find_project(project).recipe
        click.echo(json.dumps(found.to_json(), indent=2) if form == "json" else _values(found))
        return
    from greycard.core.fields import described

    own = described(Recipe, CHECKS)
    inner = described(augmentation.Augmentation, augmentation.CHECKS)
    if form == "json":
        click.echo(json.dumps([asdict(field) for field in (*own, *inner)], indent=2))
        return
    click.echo(_listing("Fields, for --set FIELD=VALUE", own) + "\n" + _listing("Augmentation", inner), nl=False)


def _listing(title: str, fields: Iterable[Field]) -> str:
    """A field a paragraph, `field=default` first, as wide as the terminal has it and as `--help` is at most."""
    from greycard.settings import as_setting

    formatter = click.HelpFormatter(max_width=options.WIDTH)
    rows = [
        (f"{field.name}={'…' if field.required else as_setting(field.default)}", f"{field.meaning}  [{field.allowed}]")
        for field in fields
    ]
    with formatter.section(title):
        formatter.write_dl(rows)
    return formatter.getvalue()


def _values(recipe: Recipe) -> str:
    """`field=value` lines, each as `--set` takes it; augmentation's fields by their own names."""
    values: dict[str, Any] = {name: getattr(recipe, name) for name in recipe.to_json()}
    if recipe.augmentation is not None:
        del values["augmentation"]
        values |= asdict(recipe.augmentation)
    from greycard.settings import as_setting

    lines = [f"{name}={as_setting(value)}" for name, value in values.items()]
    return "\n".join([f"{recipe.name}: {recipe.architecture}, {recipe.epochs} epochs on {recipe.dataset}", "", *lines])
