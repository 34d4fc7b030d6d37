"""Print tables to stdout: limited to the terminal's width, or complete if stdout is not a terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from greycard.reports.table import Table


def run_path(run: str, out: str) -> Path:
    """The path of a run, given by its path or by its name in --out."""
    return Path(run) if Path(run).exists() else Path(out, run)


def run_or_name(model: str, out: str) -> Path | str:
    """The path of a run, as `run_path`; the name itself if there is no such run, because it may be a network's."""
    path = run_path(model, out)
    return path if path.exists() else model


def print_table(table: Table, form: str = "text") -> None:
    """Print the table; as text it hides columns that do not fit the terminal, and names them."""
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    click.echo(table.render(form, width))
