"""Print predicted numbers as text, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from greycard.cli.answers import Asked
    from greycard.deploy.predict import Prediction
    from greycard.tasks.target import Target

Printer = Callable[["Prediction"], None]


def _text(target: Target, asked: Asked) -> Printer:
    """Path, number, and the ends of its interval; errors go to stderr."""

    def show(found: Prediction) -> None:
        if found.value is None:
            click.echo(f"error: {found.source}: {found.error}", err=True)
        else:
            numbers = (found.value, *(found.interval or ()))
            cells = (f"{each:.{target.decimals}f}" for each in numbers)
            click.echo("\t".join((found.source, *asked.first_cells(found), *cells)))

    return show


def _csv(target: Target, asked: Asked) -> Printer:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["path", "number", "low", "high", "error", *asked.columns])

    def show(found: Prediction) -> None:
        ends = found.interval or ("", "")
        cells = ["" if each in ("", None) else f"{each:.9g}" for each in (found.value, *ends)]
        lines.writerow([found.source, *cells, found.error or "", *asked.row(found)])
        sys.stdout.flush()

    return show


def _jsonl(target: Target, asked: Asked) -> Printer:
    def show(found: Prediction) -> None:
        ends = None if found.interval is None else list(found.interval)
        answer = {"number": found.value, "interval": ends, **asked.fields(found)}
        click.echo(json.dumps({"path": found.source, **({"error": found.error} if found.error else answer)}))

    return show


PRINTERS: dict[str, Callable[[Target, Asked], Printer]] = {"text": _text, "csv": _csv, "jsonl": _jsonl}
"""By the name of the output format; `target` decides the decimals of text."""
