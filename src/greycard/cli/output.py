"""Printing to stdout: the table at the terminal's width, or whole where stdout is no terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from greycard.reports.table import Table


def run_path(run: str, out: str) -> Path:
    """A run by its path, or by its name inside --out."""
    return Path(run) if Path(run).exists() else Path(out, run)


def print_table(table: Table, form: str = "text") -> None:
    """The table; as text it leaves out columns that the terminal has no room for, and says so."""
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    click.echo(table.render(form, width))
