"""`greycard recipe`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from greycard.cli import options

if TYPE_CHECKING:
    from greycard.core.fields import Field


@click.command()
@click.argument("what", metavar="[PROJECT|RUN|FILE]", required=False)
@options.settings
@click.option(
    "--format",
    "form",
    type=click.Choice(("yaml", "json"), case_sensitive=False),
    default="yaml",
    show_default=True,
    help="Output format.",
)
@options.out
@options.debug
def recipe(what: str | None, settings: tuple[str, ...], form: str, out: str, debug: bool) -> None:
    """List all fields, or print the recipe of a PROJECT, RUN or FILE.

    \b
    greycard recipe            # every field: default, values, meaning
    greycard recipe mnist-cnn --set epochs=5 > recipe.yaml
    greycard run recipe.yaml

    `greycard run`, `train` and `show` change every field with --set FIELD=VALUE. If two parts have a field of the same
    name, add the part, such as --set model.kind=convnet.
    """
    if what is None and settings:
        raise click.UsageError("--set needs a PROJECT, a RUN or a FILE")
    click.echo(_fields(form) if what is None else _recipe(what, settings, form, out), nl=False)


def _recipe(what: str, settings: tuple[str, ...], form: str, out: str) -> str:
    from greycard.cli.output import run_path
    from greycard.jobs.find_recipe import find_recipe
    from greycard.recipe.files import as_json, as_yaml
    from greycard.recipe.settings import parse_settings
    from greycard.runs.record import RunRecord

    run = run_path(what, out)
    found = RunRecord(run).recipe if (run / "recipe.json").is_file() else find_recipe(what)
    changed = found.replace(**parse_settings(settings))
    return as_json(changed) if form == "json" else as_yaml(changed)


def _fields(form: str) -> str:
    """All fields, grouped by part."""
    from greycard.recipe.describe import described_parts

    parts = described_parts()
    if form == "json":
        return (
            json.dumps({part: [asdict(field) for field in fields] for part, fields in parts.items()}, indent=2) + "\n"
        )
    return "\n".join(_listing(part, fields) for part, fields in parts.items())


def _listing(title: str, fields: Iterable[Field]) -> str:
    """One paragraph for each field, with `field=default` first; at most as wide as `--help`."""
    from greycard.recipe.settings import as_setting

    formatter = click.HelpFormatter(max_width=options.WIDTH)
    rows = [
        (f"{field.name}={'…' if field.required else as_setting(field.default)}", f"{field.meaning}  [{field.allowed}]")
        for field in fields
    ]
    with formatter.section(title):
        formatter.write_dl(rows)
    return formatter.getvalue()
