"""`greycard predict`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.answers import Asked, answer_options
from greycard.cli.output import run_path
from greycard.cli.parts import PartsOptions, expect_parts, parts_options, write_parts
from greycard.core.errors import GreycardError, command

if TYPE_CHECKING:
    from greycard.api import Run
    from greycard.deploy.answers.job import Question
    from greycard.deploy.inputs.images import Images, Item
    from greycard.deploy.predict import Prediction
    from greycard.jobs.predict import PredictEach
    from greycard.jobs.predict_files import Destinations

Printer = Callable[["Prediction"], None]

_LOOK_BYTES = 4096
_ENDINGS = "the name of FILE says its format: -o answers.csv, answers.jsonl or answers.parquet"


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Show the K most likely classes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "csv", "jsonl"), case_sensitive=False),
    show_default="text",
    help="Format of the printed lines: tab-separated text, CSV, or one JSON object per line.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the answers to a .csv, .jsonl or .parquet FILE instead; the same command continues it after a kill.",
)
@click.option("--sort-into", metavar="DIR", help="Make a folder for each answer in DIR, with links to the images.")
@click.option("--copy", "copies", is_flag=True, help="Copy the images into the folders of --sort-into.")
@click.option("--gallery", metavar="DIR", help="Write a page to DIR to look at the answers and to correct them.")
@click.option(
    "--every", default="1s", show_default=True, metavar="TIME", help="Time between two frames of a video or camera."
)
@parts_options
@answer_options
@options.out
@options.quiet
@options.debug
def predict(
    run: str,
    paths: tuple[str, ...],
    top: int,
    form: str | None,
    output: str | None,
    sort_into: str | None,
    copies: bool,
    gallery: str | None,
    every: str,
    parts: PartsOptions,
    refuse: str,
    unsure: float | None,
    sets: float | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> int:
    """Classify images with a RUN: files, folders, patterns, videos, a camera, or stdin.

    \b
    greycard predict pets-1 pets/validation/cat/100.jpg
    greycard predict pets-1 new/ 'more/**/*.jpg' --top 3 --format csv
    find . -name '*.jpg' | greycard predict pets-1 -
    greycard predict pets-1 new/ -o new.csv --sort-into sorted --gallery look
    greycard predict pets-1 film.mp4 --every 0.5s
    find /data -name '*.jpg' | greycard predict pets-1 - --answers answers --on processes:2
    greycard predict pets-1 camera:0
    greycard predict house-prices-1 7  # bedrooms, for this project

    It prints one line for each image: path, class and probability, which is calibrated on the run's validation images.
    An image that is too unlike the training images gets `none of these`.
    It exits with 1 if an image could not be read.
    """
    from greycard.api import open_run

    opened = open_run(run_path(run, out))
    if parts.answers is None:
        expect_parts(parts)
    if output or sort_into or gallery or parts.answers:
        if form:
            raise GreycardError("--format is of printed lines, and -o, --sort-into and --gallery print none", _ENDINGS)
        from greycard.deploy.answers.job import Question
        from greycard.deploy.inputs.images import seconds_of

        question = Question(top, seconds_of(every), refuse, unsure, sets)
        if parts.answers:
            return _write_parts(opened, paths, [output, sort_into, gallery], question, parts, quiet)
        return _write_files(opened, paths, _destinations(output, sort_into, copies, gallery), question, quiet)
    if copies:
        raise GreycardError("--copy needs --sort-into", hint="for example --sort-into sorted --copy")
    if not opened.task.has_classes:
        return _answer_numbers(opened, paths)
    from greycard.deploy.rules import rules_of

    rules, top = rules_of(opened, refuse, sets), min(top, len(opened.classes))
    asked = Asked(rules.limit, unsure, sets is not None)
    printer = {"text": _text, "csv": _csv, "jsonl": _jsonl}[form or "text"]
    predict_each = partial(opened.predict_each, refuse=refuse, sets=sets)
    return _answer_images(predict_each, paths, every, partial(printer, top, asked), asked)


def _write_parts(
    run: Run, paths: tuple[str, ...], others: list[str | None], asked: Question, parts: PartsOptions, quiet: bool
) -> int:
    if any(others):
        raise GreycardError("--answers writes a folder, without -o, --sort-into and --gallery", hint="choose one")
    return write_parts(run, _images(paths, asked.every), asked, parts, quiet)


def _destinations(output: str | None, sort_into: str | None, copies: bool, gallery: str | None) -> Destinations:
    from greycard.jobs.predict_files import Destinations

    places = [Path(each) if each else None for each in (output, sort_into, gallery)]
    return Destinations(places[0], places[1], copies, places[2])


def _write_files(run: Run, paths: tuple[str, ...], to: Destinations, asked: Question, quiet: bool) -> int:
    from greycard.jobs.predict_files import predict_files
    from greycard.reports.progress import terminal_reporter

    with terminal_reporter(quiet) as shown:
        done = predict_files(run, paths, _images(paths, asked.every), to, asked, shown)
    for line in done.lines():
        click.echo(line)
    return 1 if done.predicted.bad else 0


def _answer_images(
    predict_each: PredictEach, paths: tuple[str, ...], every: str, printer: Callable[[], Printer], asked: Asked
) -> int:
    from greycard.deploy.inputs.images import seconds_of
    from greycard.jobs.predict import predictions_of

    images = _images(paths, seconds_of(every))  # report a wrong path before the first line of output
    show, count, bad = printer(), 0, 0
    for found in predictions_of(predict_each, images.each(), live=images.live):
        show(found)
        asked.count(found)
        count, bad = count + 1, bad + bool(found.error)
    if review := asked.last_line(count):
        click.echo(review, err=True)
    if bad:
        click.echo(f"{bad:,} of {count:,} files could not be read", err=True)
    return 1 if bad else 0


def _text(top: int, asked: Asked) -> Printer:
    """Errors go to stderr: every line of stdout is a prediction."""

    def show(found: Prediction) -> None:
        if found.error:
            click.echo(f"error: {found.source}: {found.error}", err=True)
        else:
            answers = (f"{label}\t{probability:.4f}" for label, probability in found.top(top).items())
            click.echo("\t".join((found.source, *asked.first_cells(found), *answers, *asked.last_cells(found))))

    return show


def _csv(top: int, asked: Asked) -> Printer:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    more = [f"{column}_{rank}" for rank in range(2, top + 1) for column in ("class", "probability")]
    lines.writerow(["path", "class", "probability", *more, "error", *asked.columns])

    def show(found: Prediction) -> None:
        answers = [cell for label, value in found.top(top).items() for cell in (label, f"{value:.6f}")]
        lines.writerow([found.source, *(answers or [""] * (2 * top)), found.error or "", *asked.row(found)])
        sys.stdout.flush()

    return show


def _jsonl(top: int, asked: Asked) -> Printer:
    def show(found: Prediction) -> None:
        answer = {"class": found.label, "probability": found.probability, "probabilities": found.top(top)}
        answer |= asked.fields(found)
        click.echo(json.dumps({"path": found.source, **({"error": found.error} if found.error else answer)}))

    return show


def _answer_numbers(run: Run, words: tuple[str, ...]) -> int:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise GreycardError(
            f"{run.path} is a regression and expects numbers. Received: {' '.join(words)}",
            hint=f"for example `{command('predict', run.path, 3)}`",
        ) from error
    for number, answer in zip(numbers, run.predict_numbers(numbers), strict=True):
        click.echo(f"{number:g}\t{answer:.2f}")
    return 0


def _images(paths: Sequence[str], every: float) -> Images:
    """What the arguments stand for; names on stdin are read later, one by one."""
    from greycard.deploy.inputs.images import Images, find_images

    found = [_names(every) if path == "-" else find_images([path], every).items for path in paths]
    items = (item for each in found for item in each)
    return Images(items, streamed=True) if "-" in paths else Images(list(items))


def _names(every: float) -> Iterator[Item]:
    from greycard.deploy.inputs.images import as_item

    _expect_names()
    return (as_item(Path(line.rstrip("\r\n")), every) for line in sys.stdin if line.strip())


def _expect_names() -> None:
    """Reject image data on stdin: it has zero bytes near its start, a list of file names has none."""
    stream: Any = getattr(sys.stdin, "buffer", None)
    begins = stream.peek(_LOOK_BYTES) if hasattr(stream, "peek") else b""
    if b"\0" in begins[:_LOOK_BYTES]:
        raise GreycardError(
            "`-` reads a list of file names from stdin, one per line. Received: binary data",
            hint="name the image file, or use /dev/stdin for an image that comes through a pipe",
        )
