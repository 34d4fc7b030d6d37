"""`greycard predict --answers DIR`: many images in shards, here or on many machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.cli.destinations import Output
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
class Parts:
    """What the options say: the folder of answers, the images of a shard, where, and which share."""

    answers: str | None
    shard: int | None
    where: str
    share: str | None

    @property
    def wanted(self) -> bool:
        """Whether answers are written in shards.

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

    def write(self, run: Run, images: Images, to: Output, **asked: Any) -> int:
        """Predict in shards, and print how many; returns the exit code.

        Args:
            run: the run.
            images: all of them files.
            to: the other places for answers, which do not go together with shards.
            asked: fields of a `Question`.
        """
        from greycard.cluster.predict import predict_shards
        from greycard.cluster.where import expect_share, parse_where
        from greycard.deploy.answers.job import Question
        from greycard.reports.progress import terminal_reporter

        if not to.is_printed or to.form:
            raise GreycardError("--answers writes Parquet files, without --format, -o, --sort-into and --gallery",
                                hint="choose one")  # fmt: skip
        where, share = parse_where(self.where), options.parse_share(self.share)
        expect_share(share, where)
        place, size = Path(self.answers or ""), self.shard or _SHARD
        with terminal_reporter(to.quiet) as shown:
            found = predict_shards(
                run, map(_name, images.items), place, Question(**asked), shown,
                shard=size, where=where, share=share or (0, 1),
            )  # fmt: skip
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


def _name(item: object) -> str:
    if not isinstance(item, Path):
        raise GreycardError(
            f"shards are of image files. Received: {item}", hint="-o FILE predicts the frames of videos and cameras"
        )
    return str(item)
