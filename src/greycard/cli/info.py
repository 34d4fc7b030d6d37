"""`greycard info`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from greycard.cli import options
from greycard.core.errors import GreycardError


def _folder(find: Callable[[], Path]) -> str:
    """A folder, or what is wrong with it: `greycard info` must work when a setting is wrong."""
    try:
        folder = find()
    except GreycardError as error:
        return str(error.args[0])
    return str(folder) if folder.is_dir() else f"{folder} (does not exist yet)"


def _cache() -> str:
    """The cache's folder, and its size if it is not empty."""
    from greycard.core.paths import cache_dir
    from greycard.pipeline.cache import entries

    folder = _folder(cache_dir)
    size = sum(entry.bytes for entry in entries()) if Path(folder).is_dir() else 0
    return f"{folder} ({size / 1e6:,.1f} MB)" if size else folder


def _networks() -> str:
    """The pretrained networks that `greycard train` can choose, the first choice first, or how to get one."""
    from greycard.models.packaged import EXTRA
    from greycard.models.preferred import available

    try:
        found = available()
    except GreycardError as error:
        return str(error.args[0])
    return ", ".join(map(str, found)) or f"none; `{EXTRA}` brings one"


def _precision() -> str:
    """The precision that `auto` means here and where it comes from, or what is wrong with the setting."""
    from greycard.backend.precision import VARIABLE, best_precision, requested_precision

    try:
        requested = requested_precision()
    except GreycardError as error:
        return str(error.args[0])
    return f"{requested} ({VARIABLE}; detected: {best_precision()})" if requested else f"{best_precision()} (detected)"


def _threads() -> str:
    """The number of threads and where it comes from."""
    from greycard.core.threads import thread_count

    threads = thread_count()
    return f"{threads.count} ({threads.reason})"


def _choices() -> str:
    """Where the measurements are from that decide how training steps are computed, or why they cannot be read."""
    from greycard.backend.measurements import table

    try:
        found = table()
    except GreycardError as error:
        return str(error.args[0])
    return found.source if found.measured else f"{found.source}; `greycard tune` measures this machine"


def _features() -> str:
    """What computes the features of a frozen network."""
    from greycard.backend.inference import rounded_precision
    from greycard.backend.precision import FLOAT32

    try:
        precision = rounded_precision()
    except GreycardError as error:
        return str(error.args[0])
    return "LiteRT" if precision == FLOAT32 else f"LiteRT; for training images OpenVINO in {precision}"


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
    from greycard.core.paths import runtimes_dir, weights_dir
    from greycard.reports.progress import terminal_reporter
    from greycard.runs.environment import environment

    with terminal_reporter() as shown, shown.status("starting Keras"):
        backend.start()
    facts = environment(backend.describe() | {"precision": _precision()})
    del facts["started"]
    facts["threads"] = _threads()
    if backend.on_tensorflow_cpu():
        facts |= {"training steps": _choices(), "features": _features()}
    facts |= {"data folder": _folder(lambda: data_folder(data_dir)), "weights folder": _folder(weights_dir)}
    facts["runtimes folder"] = _folder(runtimes_dir)
    facts["pretrained"] = _networks()
    facts["cache folder"] = _cache()
    for name, value in facts.items():
        click.echo(f"{name.replace('_', ' '):<16} {value}")
