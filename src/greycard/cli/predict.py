"""`greycard predict`."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.answers import Asked, answer_options, expect_one_class
from greycard.cli.destinations import Output, output_options
from greycard.cli.inputs import listed_images
from greycard.cli.output import run_path
from greycard.cli.parts import Parts, parts_options
from greycard.core.errors import GreycardError, command

if TYPE_CHECKING:
    from greycard.api import Run
    from greycard.deploy.inputs.images import Images
    from greycard.deploy.predict import Prediction
    from greycard.jobs.predict import PredictEach

Printer = Callable[["Prediction"], None]


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Show the K most likely classes.")
@click.option(
    "--every", default="1s", show_default=True, metavar="TIME", help="Time between two frames of a video or camera."
)
@output_options
@parts_options
@answer_options
@options.out
@options.debug
def predict(
    run: str,
    paths: tuple[str, ...],
    top: int,
    every: str,
    refuse: str,
    unsure: float | None,
    sets: float | None,
    out: str,
    to: Output,
    parts: Parts,
    debug: bool,
) -> int:
    """Classify images, videos or a camera with a RUN.

    \b
    greycard predict pets-1 pets/validation/cat/100.jpg
    greycard predict pets-1 new/ 'more/**/*.jpg' --top 3 --format csv
    find . -name '*.jpg' | greycard predict pets-1 -
    greycard predict pets-1 new/ -o new.csv --sort-into sorted --gallery look
    greycard predict pets-1 film.mp4 --every 0.5s
    greycard predict pets-1 camera:0
    greycard predict pets-1 s3://photos/new --answers s3://answers --on cluster
    greycard predict house-prices-1 7  # bedrooms, for this project

    It prints one line for each image: path, class and probability, which is calibrated on the run's validation images.
    A RUN that predicts a number prints the number, and the interval that has 90 % of true numbers. If an image can have
    several labels, it prints all labels that reach their thresholds, or none. An image that is too unlike the training
    images gets `none of these`. It exits with 1 if an image could not be read.
    """
    from greycard.api import open_run
    from greycard.deploy.inputs.images import seconds_of
    from greycard.deploy.rules import rules_of

    opened = open_run(run_path(run, out))
    seconds = seconds_of(every)
    if not opened.recipe.data.has_images:
        return _answer_numbers(opened, paths, printed=to.is_printed and not parts.wanted)
    if parts.wanted:
        return _in_shards(opened, paths, to, parts, top=top, refuse=refuse, unsure=unsure, sets=sets)
    if not to.is_printed:
        return to.write(opened, paths, seconds, top=top, refuse=refuse, unsure=unsure, sets=sets)
    asked = Asked(rules_of(opened, refuse, sets).limit, unsure, sets is not None)
    predict_each = partial(opened.predict_each, refuse=refuse, sets=sets)
    return _answer_images(predict_each, listed_images(paths, seconds), _printer(opened, to.form, top, asked), asked)


def _in_shards(run: Run, paths: tuple[str, ...], to: Output, parts: Parts, **asked: Any) -> int:
    from greycard.api import predict_shards

    if not to.is_printed or to.form:
        raise GreycardError(
            "--answers writes Parquet files, without --format, -o, --sort-into and --gallery", hint="choose one"
        )
    return parts.compute(partial(predict_shards, run, **asked), paths, quiet=to.quiet)


def _printer(run: Run, wanted: str | None, top: int, asked: Asked) -> Callable[[], Printer]:
    form = wanted or "text"
    if run.task.has_several:
        from greycard.cli import several_labels
        from greycard.jobs.predict import expect_no_top

        expect_no_top(top)
        several = {"text": several_labels.text, "csv": several_labels.as_csv, "jsonl": several_labels.jsonl}
        return partial(several[form], run.classes, asked)
    if run.target is not None:
        from greycard.cli.predicted_numbers import PRINTERS

        expect_one_class(click.get_current_context())
        return partial(PRINTERS[form], run.target, asked)
    return partial({"text": _text, "csv": _csv, "jsonl": _jsonl}[form], min(top, len(run.classes)), asked)


def _answer_images(predict_each: PredictEach, images: Images, printer: Callable[[], Printer], asked: Asked) -> int:
    from greycard.jobs.predict import predictions_of

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


def _answer_numbers(run: Run, words: tuple[str, ...], *, printed: bool) -> int:
    if not printed:
        raise GreycardError(
            f"{run.path} takes numbers; files of answers, folders and galleries are for images",
            hint=f"for example `{command('predict', run.path, 3)}`",
        )
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
