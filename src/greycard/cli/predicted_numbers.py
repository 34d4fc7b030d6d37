"""Print predicted numbers as text, CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction
    from greycard.tasks.target import Target

Printer = Callable[["Prediction"], None]


def _text(target: Target) -> Printer:
    """Path, number, and the ends of its interval; errors go to stderr."""

    def show(found: Prediction) -> None:
        if found.value is None:
            click.echo(f"error: {found.source}: {found.error}", err=True)
        else:
            numbers = (found.value, *(found.interval or ()))
            click.echo("\t".join((found.source, *(f"{each:.{target.decimals}f}" for each in numbers))))

    return show


def _csv(target: Target) -> Printer:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["path", "number", "low", "high", "error"])

    def show(found: Prediction) -> None:
        ends = found.interval or ("", "")
        cells = ["" if each in ("", None) else f"{each:.9g}" for each in (found.value, *ends)]
        lines.writerow([found.source, *cells, found.error or ""])
        sys.stdout.flush()

    return show


def _jsonl(target: Target) -> Printer:
    def show(found: Prediction) -> None:
        answer = {"number": found.value, "interval": None if found.interval is None else list(found.interval)}
        click.echo(json.dumps({"path": found.source, **({"error": found.error} if found.error else answer)}))

    return show


PRINTERS: dict[str, Callable[[Target], Printer]] = {"text": _text, "csv": _csv, "jsonl": _jsonl}
"""By the name of the output format; `target` decides the decimals of text."""
