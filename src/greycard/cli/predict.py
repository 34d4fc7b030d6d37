"""`greycard predict`."""

from __future__ import annotations

import csv
import glob
import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options, several_labels
from greycard.cli.output import run_path
from greycard.core.errors import GreycardError, command
from greycard.core.suggestions import did_you_mean

if TYPE_CHECKING:
    from greycard.api import Run
    from greycard.deploy.predict import Prediction

Printer = Callable[["Prediction"], None]

_LOOK_BYTES = 4096


@click.command()
@click.argument("run", metavar="RUN")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--top", type=click.IntRange(1), default=1, metavar="K", help="Show the K most likely classes.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "csv", "jsonl"), case_sensitive=False),
    default="text",
    show_default=True,
    help="Output format: tab-separated text, CSV, or one JSON object per line.",
)
@options.out
@options.debug
def predict(run: str, paths: tuple[str, ...], top: int, form: str, out: str, debug: bool) -> int:
    """Classify images with a RUN: files, folders, patterns, or stdin.

    \b
    greycard predict pets-1 pets/validation/cat/100.jpg
    greycard predict pets-1 new/ 'more/**/*.jpg' --top 3 --format csv
    find . -name '*.jpg' | greycard predict pets-1 -
    greycard predict house-prices-1 7  # bedrooms, for this project

    It prints one line for each image: path, class and probability, which is calibrated on the run's validation images.
    If an image can have several labels, it prints all labels that reach their thresholds, or none. It exits with 1 if
    an image could not be read.
    """
    from greycard.api import open_run

    opened = open_run(run_path(run, out))
    if not opened.task.has_classes:
        return _answer_numbers(opened, paths)
    if not opened.task.has_one_class:
        several_labels.expect_no_top(click.get_current_context())
        shown = {"text": several_labels.text, "csv": several_labels.as_csv, "jsonl": several_labels.jsonl}[form]
        return _answer_images(opened, paths, partial(shown, opened.classes))
    top = min(top, len(opened.classes))
    return _answer_images(opened, paths, partial({"text": _text, "csv": _csv, "jsonl": _jsonl}[form], top))


def _answer_images(run: Run, paths: tuple[str, ...], printer: Callable[[], Printer]) -> int:
    listed = [_files(path) for path in paths]  # report a wrong path before the first line of output
    show, count, bad = printer(), 0, 0
    for found in run.predict_each(file for files in listed for file in files):
        show(found)
        count, bad = count + 1, bad + bool(found.error)
    if bad:
        click.echo(f"{bad:,} of {count:,} files could not be read", err=True)
    return 1 if bad else 0


def _text(top: int) -> Printer:
    """Errors go to stderr: every line of stdout is a prediction."""

    def show(found: Prediction) -> None:
        if found.error:
            click.echo(f"error: {found.source}: {found.error}", err=True)
        else:
            answers = (f"{label}\t{probability:.4f}" for label, probability in found.top(top).items())
            click.echo("\t".join((found.source, *answers)))

    return show


def _csv(top: int) -> Printer:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    more = [f"{column}_{rank}" for rank in range(2, top + 1) for column in ("class", "probability")]
    lines.writerow(["path", "class", "probability", *more, "error"])

    def show(found: Prediction) -> None:
        answers = [cell for label, value in found.top(top).items() for cell in (label, f"{value:.6f}")]
        lines.writerow([found.source, *(answers or [""] * (2 * top)), found.error or ""])
        sys.stdout.flush()

    return show


def _jsonl(top: int) -> Printer:
    def show(found: Prediction) -> None:
        answer = {"class": found.label, "probability": found.probability, "probabilities": found.top(top)}
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


def _files(path: str) -> Iterable[Path]:
    """The files that a command-line argument stands for; names on stdin are read later, one by one."""
    if path == "-":
        _expect_names()
        return (Path(line.rstrip("\r\n")) for line in sys.stdin if line.strip())
    found = [file for match in _matching(path) for file in _there(match)]
    if not found:
        raise GreycardError(f"there are no images in {path}", hint="name an image, or a folder of images")
    return found


def _expect_names() -> None:
    """Reject image data on stdin: it has zero bytes near its start, a list of file names has none."""
    stream: Any = getattr(sys.stdin, "buffer", None)
    begins = stream.peek(_LOOK_BYTES) if hasattr(stream, "peek") else b""
    if b"\0" in begins[:_LOOK_BYTES]:
        raise GreycardError(
            "`-` reads a list of file names from stdin, one per line. Received: binary data",
            hint="name the image file, or use /dev/stdin for an image that comes through a pipe",
        )


def _matching(path: str) -> list[Path]:
    from greycard.datasets.patterns import matching

    if Path(path).exists():
        return [Path(path)]
    found = matching(path) if glob.has_magic(path) else []
    if not found:
        what = "matches no file" if glob.has_magic(path) else "does not exist"
        folder = Path(path).parent
        names = [str(folder / entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
        raise GreycardError(
            f"{path} {what}; expected an image, a folder of images, a pattern, or - for stdin",
            hint=did_you_mean(path, names, f"check the path; it is relative to {Path.cwd()}"),
        )
    return found


def _there(path: Path) -> list[Path]:
    from greycard.datasets.scan import image_files, others_note

    if not path.is_dir():
        return [path]
    images, others = image_files(path)
    for note in others_note(others):
        click.echo(f"note: {note}", err=True)
    return images
