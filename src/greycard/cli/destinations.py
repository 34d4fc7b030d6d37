"""`greycard predict`: where predictions go, if they are not printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.inputs import listed_images
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.api import Run
    from greycard.jobs.predict_files import Destinations

_OPTIONS = (
    click.option(
        "--format",
        "form",
        type=click.Choice(("text", "csv", "jsonl"), case_sensitive=False),
        help="Format of the printed lines: tab-separated text, CSV, or one JSON object per line.  [default: text]",
    ),
    click.option(
        "-o",
        "--output",
        type=options.LOCAL,
        metavar="FILE",
        help="Write the answers to a .csv, .jsonl or .parquet FILE; the same command continues it after a kill.",
    ),
    click.option(
        "--sort-into",
        type=options.LOCAL,
        metavar="DIR",
        help="Make a folder for each answer in DIR, with links to the images; of several labels, for each label.",
    ),
    click.option("--copy", "copies", is_flag=True, help="Copy the images into the folders of --sort-into."),
    click.option(
        "--gallery",
        type=options.LOCAL,
        metavar="DIR",
        help="Write a page to DIR to look at the answers and to correct them.",
    ),
    click.option("--quiet", is_flag=True, help="Show no progress of -o, --sort-into and --gallery."),
)


@dataclass(frozen=True)
class Output:
    """What the options say: the format of printed lines, or files and folders."""

    form: str | None
    output: str | None
    sort_into: str | None
    copies: bool
    gallery: str | None
    quiet: bool

    @property
    def is_printed(self) -> bool:
        """Whether lines are printed.

        Raises:
            GreycardError: options that do not belong together.
        """
        if self.copies and not self.sort_into:
            raise GreycardError("--copy needs --sort-into", hint="for example --sort-into sorted --copy")
        printed = not (self.output or self.sort_into or self.gallery)
        if self.form and not printed:
            raise GreycardError(
                "--format is of printed lines, and -o, --sort-into and --gallery print none",
                hint="the name of the file says its format: -o answers.csv, answers.jsonl or answers.parquet",
            )
        return printed

    def write(self, run: Run, paths: tuple[str, ...], every: float, **asked: Any) -> int:
        """Predict into the files and folders; returns the exit code.

        Args:
            run: the run.
            paths: the arguments that name images.
            every: seconds between two frames of a video.
            asked: the other fields of a `Question`.
        """
        from greycard.deploy.answers.job import Question
        from greycard.jobs.predict_files import predict_files
        from greycard.reports.progress import terminal_reporter

        question = Question(every=every, **asked)
        with terminal_reporter(self.quiet) as shown:
            done = predict_files(run, paths, listed_images(paths, every), self._destinations(), question, shown)
        for line in done.lines():
            click.echo(line)
        return 1 if done.predicted.bad else 0

    def _destinations(self) -> Destinations:
        from greycard.jobs.predict_files import Destinations

        output, sort_into, gallery = (each and Path(each) for each in (self.output, self.sort_into, self.gallery))
        return Destinations(output or None, sort_into or None, self.copies, gallery or None)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `Output` to a command, which gets them as `to`."""

    @wraps(command)
    def packed(*arguments: Any, **options: Any) -> Any:
        fields = {name: options.pop(name) for name in Output.__dataclass_fields__}
        return command(*arguments, to=Output(**fields), **options)

    for option in reversed(_OPTIONS):
        packed = option(packed)
    return packed
