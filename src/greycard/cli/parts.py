"""`greycard predict` and `embed` with `--answers DIR`: many images in shards, here or on many machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.names import shard_names
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.cluster.compute import Parts as Computed

Compute = Callable[..., "Computed"]
"""Called with the names, the folder, the reporter and the places."""

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
        from greycard.cluster.compute import SHARD, Places
        from greycard.cluster.where import expect_share, parse_where
        from greycard.reports.progress import terminal_reporter
        from greycard.storage.folders import folder_at

        where, share = parse_where(self.where), options.parse_share(self.share)
        expect_share(share, where)
        folder, places = folder_at(self.answers or ""), Places(where, self.shard or SHARD, share or (0, 1))
        with terminal_reporter(quiet) as shown:
            found = work(shard_names(words), folder, shown, places)
        for line in found.lines():
            click.echo(line)
        return 1 if found.bad else 0


def parts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `Parts` to a command, which gets them as `parts`."""

    @wraps(command)
    def packed(*arguments: Any, **others: Any) -> Any:
        fields = {name: others.pop(name) for name in Parts.__dataclass_fields__}
        return command(*arguments, parts=Parts(**fields), **others)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed
