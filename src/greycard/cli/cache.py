"""`greycard cache`."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from greycard.cli import options
from greycard.cli.listing import Row, listing

if TYPE_CHECKING:
    from greycard.pipeline.cache import Entry

KINDS = ("pixels", "features", "weights", "unpacked")


@click.group(invoke_without_command=True)
@options.text_or_json
@options.debug
@click.pass_context
def cache(context: click.Context, form: str, debug: bool) -> None:
    """List the data that Greycard caches between runs, or clear it.

    \b
    greycard cache
    greycard cache clear
    greycard cache clear features

    The cache holds decoded pixels, features of frozen backbones, the converted weights of EfficientNetLite0, and the
    content of archives and Parquet files (`unpacked`, which the limit does not cover). Greycard recreates them when
    they are missing. GREYCARD_CACHE sets its folder, GREYCARD_CACHE_LIMIT its limit in GB.
    """
    if context.invoked_subcommand is not None:
        return
    from greycard.core.paths import cache_dir
    from greycard.pipeline.cache import entries
    from greycard.pipeline.cache_room import limit_bytes

    listing = _as_json if form == "json" else _as_text
    click.echo(listing(entries(), cache_dir(), limit_bytes()))


@cache.command("clear")
@click.argument("kind", required=False, type=click.Choice(KINDS, case_sensitive=False))
@options.debug
def clear_command(kind: str | None, debug: bool) -> None:
    """Clear the cache, or one KIND of data in it."""
    from greycard.core.paths import cache_dir
    from greycard.datasets.unpacked import clear_unpacked
    from greycard.pipeline.cache import clear

    freed = 0 if kind == "unpacked" else clear(kind)
    freed += clear_unpacked() if kind in (None, "unpacked") else 0
    click.echo(f"{_megabytes(freed)} freed in {cache_dir()}")


def _as_text(entries: list[Entry], folder: Path, limit: int) -> str:
    from greycard.datasets.unpacked import unpacked_bytes

    lines = [listing(list(map(_row, entries)), ("of", "shape"))] if entries else []
    count = f"{len(entries)} {'entry' if len(entries) == 1 else 'entries'}"
    total = _megabytes(sum(entry.bytes for entry in entries))
    unpacked = unpacked_bytes()
    if unpacked:
        lines.append(f"unpacked archives and Parquet files: {_megabytes(unpacked)}")
    return "\n".join([*lines, f"{count}, {total} of at most {limit / 1e9:g} GB, in {folder}"])


def _row(entry: Entry) -> Row:
    return {
        "kind": entry.kind,
        "shape": " × ".join(map(str, entry.shape)),
        "size": _megabytes(entry.bytes),
        "last used": datetime.fromtimestamp(entry.used).isoformat(" ", "minutes"),
        "of": entry.about,
    }


def _as_json(entries: list[Entry], folder: Path, limit: int) -> str:
    from greycard.datasets.unpacked import unpacked_bytes

    listed = [asdict(entry) for entry in entries]
    whole = {"folder": str(folder), "limit_bytes": limit, "unpacked_bytes": unpacked_bytes(), "entries": listed}
    return json.dumps(whole, indent=2)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
