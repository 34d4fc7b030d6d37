"""`greycard predict --answers DIR`: many images in shards, here or on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.deploy.answers.job import Question
    from greycard.deploy.inputs.images import Images
    from greycard.jobs.open_run import Run

_SHARD = 4096
_OPTIONS = (
    click.option("--answers", metavar="DIR", help="Write the answers to Parquet files in DIR, one for each shard."),
    click.option("--shard", type=click.IntRange(1), metavar="N", help=f"Images of a shard.  [default: {_SHARD}]"),
    options.on,
    options.share,
)


@dataclass(frozen=True)
class PartsOptions:
    """The options of shards: the folder of answers, images of a shard, where, and which share."""

    answers: str | None
    shard: int | None
    where: str
    share: str | None


def parts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of shards to a command; it gets them as one `PartsOptions`, called `parts`."""

    @wraps(command)
    def packed(
        *arguments: Any, answers: str | None, shard: int | None, where: str, share: str | None, **others: Any
    ) -> Any:
        return command(*arguments, parts=PartsOptions(answers, shard, where, share), **others)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed


def write_parts(run: Run, images: Images, asked: Question, parts: PartsOptions, quiet: bool) -> int:
    """Predict images in shards, and print how many; returns the exit code."""
    from greycard.cluster.predict import predict_shards
    from greycard.cluster.where import expect_share, parse_where
    from greycard.reports.progress import terminal_reporter

    assert parts.answers is not None
    where, share = parse_where(parts.where), options.parse_share(parts.share)
    expect_share(share, where)
    with terminal_reporter(quiet) as shown:
        found = predict_shards(
            run,
            _names(images),
            Path(parts.answers),
            asked,
            shown,
            shard=parts.shard or _SHARD,
            where=where,
            share=share or (0, 1),
        )
    for line in found.lines():
        click.echo(line)
    return 1 if found.bad else 0


def expect_parts(parts: PartsOptions) -> None:
    """Raise a GreycardError for options of shards without a folder for their answers."""
    given = {"--shard": parts.shard, "--share": parts.share, "--on": None if parts.where == "here" else parts.where}
    for option, value in given.items():
        if value is not None:
            raise GreycardError(f"{option} is for shards, which need a folder", hint="for example --answers answers")


def _names(images: Images) -> Iterator[str]:
    return (_name(item) for item in _items(images))


def _items(images: Images) -> Iterable[object]:
    return images.items


def _name(item: object) -> str:
    if not isinstance(item, Path):
        raise GreycardError(
            f"shards are of image files. Received: {item}", hint="-o FILE predicts the frames of videos and cameras"
        )
    return str(item)
