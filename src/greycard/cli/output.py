"""Printing to stdout: the table at the terminal's width, or whole where stdout is no terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from greycard.datasets.core import Dataset
    from greycard.reports.table import Table


def run_path(run: str, out: str) -> Path:
    """A run by its path, or by its name inside --out."""
    return Path(run) if Path(run).exists() else Path(out, run)


def find_dataset(name: str, data_dir: str | None) -> Dataset:
    """A folder of pictures by its path, or in the data directory; or a dataset of the catalog by its name."""
    from greycard.api import load_dataset
    from greycard.datasets.catalog import CATALOG

    if not Path(name).exists() and name in {entry.name for entry in CATALOG}:
        return load_dataset(name, data_dir)
    return load_pictures(name, data_dir)


def load_pictures(name: str, data_dir: str | None, **split: Any) -> Dataset:
    """A folder of pictures, or a manifest, which brings its own split."""
    from greycard.api import load_folder, load_manifest

    if not Path(name).is_dir() and Path(name).suffix.lower() == ".csv":
        return load_manifest(name)
    return load_folder(find_folder(name, data_dir), **split)


def find_folder(name: str, data_dir: str | None) -> Path:
    """The folder as it is named, or else inside the data directory."""
    from greycard.locations import data_dir as data_folder

    inside = data_folder(data_dir) / name
    return inside if not Path(name).exists() and inside.is_dir() else Path(name)


def print_table(table: Table, form: str = "text") -> None:
    """The table; as text it leaves out columns that the terminal has no room for, and says so."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(table.render(form, width))
