"""`greycard diagnose`."""

from __future__ import annotations

import json

import click

from greycard.cli import options
from greycard.cli.output import run_path
from greycard.core.errors import GreycardError, command


@click.command()
@click.argument("run", metavar="RUN")
@options.text_or_json
@options.out
@options.debug
def diagnose(run: str, form: str, out: str, debug: bool) -> None:
    """Diagnose a RUN and suggest what to do next.

    \b
    greycard diagnose pets-1
    greycard diagnose pets-1 --format json

    The finding that matters most comes first. Each one has its figures and one next step.
    """
    from greycard.reports.diagnosis import diagnosis_lines
    from greycard.runs.evidence import verdicts
    from greycard.runs.record import RunRecord

    record = RunRecord(run_path(run, out))
    found = verdicts(record)
    if not found:
        raise GreycardError(
            f"{record.path} is a regression; a diagnosis needs classes",
            hint=f"`{command('show', record.path)}` shows its results",
        )
    if form == "json":
        click.echo(json.dumps([verdict.to_json() for verdict in found], indent=2))
    else:
        click.echo("\n".join([f"{record.name}: {record.recipe.architecture}", *diagnosis_lines(found)]))
