"""`greycard predict` and `embed` with `--answers DIR`: many images in shards, here or on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.inputs import stdin_lines
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.cluster.compute import Parts as Computed

Compute = Callable[..., "Computed"]
"""`predict_shards` or `embed_shards`, with the model and what is asked of it."""

_OPTIONS = (
    click.option(
        "--answers",
        metavar="DIR",
        help="Write Parquet files to DIR, one for each shard. DIR may be s3://bucket/folder or gs://bucket/folder.",
    ),
    click.option("--shard", type=click.IntRange(1), metavar="N", help="Images of a shard.  [default: 4096]"),
    options.on,
    options.share,
)


@dataclass(frozen=True)
class Parts:
    """What the options say: the folder of answers, the images of a shard, where, and which share."""

    answers: str | None
    shard: int | None
    where: str
    share: str | None

    @property
    def wanted(self) -> bool:
        """Whether it is computed in shards.

        Raises:
            GreycardError: options of shards without a folder.
        """
        given = {"--shard": self.shard, "--share": self.share, "--on": None if self.where == "here" else self.where}
        for option, value in given.items():
            if value is not None and self.answers is None:
                raise GreycardError(
                    f"{option} is for shards, which need a folder", hint="for example --answers answers"
                )
        return self.answers is not None

    def compute(self, work: Compute, words: Sequence[str], *, quiet: bool) -> int:
        """Compute in shards, and print how many; returns the exit code.

        Args:
            work: predicts or embeds.
            words: the arguments that name images.
            quiet: True to show no progress.
        """
        from greycard.cluster.compute import SHARD

        share = options.parse_share(self.share)
        found = work(_names(words), self.answers, shard=self.shard or SHARD, on=self.where, share=share, quiet=quiet)
        for line in found.lines():
            click.echo(line)
        return 1 if found.bad else 0


def _names(words: Sequence[str]) -> Iterator[str]:
    """The names of all images, in order; `-` is a list on stdin."""
    from greycard.cluster.names import image_names

    for word in words:
        yield from image_names(stdin_lines() if word == "-" else word)


def parts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `Parts` to a command, which gets them as `parts`."""

    @wraps(command)
    def packed(*arguments: Any, **others: Any) -> Any:
        fields = {name: others.pop(name) for name in Parts.__dataclass_fields__}
        return command(*arguments, parts=Parts(**fields), **others)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed
