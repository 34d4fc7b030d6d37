"""`greycard info`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from greycard.cli import options
from greycard.core.errors import GreycardError


def _folder(find: Callable[[], Path]) -> str:
    """A folder, or what is wrong with it: this is where people look when something is."""
    try:
        folder = find()
    except GreycardError as error:
        return str(error.args[0])
    return str(folder) if folder.is_dir() else f"{folder} (not there yet)"


def _cache() -> str:
    """The cache's folder, with its size where there is one."""
    from greycard.core.paths import cache_dir
    from greycard.pipeline.cache import entries

    folder = _folder(cache_dir)
    size = sum(entry.bytes for entry in entries()) if Path(folder).is_dir() else 0
    return f"{folder} ({size / 1e6:,.1f} MB)" if size else folder


def _precision() -> str:
    """What `precision=auto` means here, and what the hardware is fast in; or what is wrong with the setting."""
    from greycard.backend.precision import VARIABLE, best_precision, requested_precision

    try:
        requested = requested_precision()
    except GreycardError as error:
        return str(error.args[0])
    return f"{requested} ({VARIABLE}; detected: {best_precision()})" if requested else f"{best_precision()} (detected)"


@click.command()
@options.data_dir
@options.debug
def info(data_dir: str | None, debug: bool) -> None:
    """Show the versions, the device and the folders in use.

    \b
    greycard info
    """
    from greycard import backend
    from greycard.core.paths import data_dir as data_folder
    from greycard.core.paths import weights_dir
    from greycard.reports.progress import terminal_reporter
    from greycard.runs.environment import environment

    with terminal_reporter() as shown, shown.status("starting Keras"):
        backend.start()
    facts = environment(backend.describe() | {"precision": _precision()})
    del facts["started"]
    facts |= {"data folder": _folder(lambda: data_folder(data_dir)), "weights folder": _folder(weights_dir)}
    facts["cache folder"] = _cache()
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<16} {value}")
