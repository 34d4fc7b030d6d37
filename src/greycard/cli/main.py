"""The `greycard` command: its subcommands, and how errors, notes and interruptions are told."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from greycard.cli import (
    cache,
    card,
    check,
    compare,
    diagnose,
    explain,
    export,
    fetch,
    info,
    options,
    predict,
    projects,
    recipe,
    report,
    resume,
    run,
    sample,
    serve,
    show,
    split,
    table,
    train,
)
from greycard.cli.endings import caused_by, ending_signals, nobody_reads
from greycard.cli.group import Group
from greycard.cli.own_settings import own_settings
from greycard.core.errors import GreycardError, GreycardWarning, command

USER_MISTAKE, OUR_MISTAKE, INTERRUPTED = 2, 1, 130
_PLACE = "see that it is where you say, has room and is yours to use, or name another place"
_ODD_NAMES = ("surrogateescape", "backslashreplace", "backslashreplace")
"""How stdin, stdout and stderr take file names that are no valid text."""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": options.WIDTH})
@click.version_option(package_name="greycard", message="%(package)s %(version)s")
def cli() -> None:
    """Image classification on your own machine: from a folder of images to a model and honest numbers.

    \b
    greycard run digits-cnn  # train a project on data that comes along
    greycard sample pets     # render a folder of images to try
    greycard train pets      # train on a folder of labelled images
    greycard table           # the runs so far, as a table

    `greycard COMMAND --help` has examples of each.
    """


for _command in (
    projects.projects,
    recipe.recipe,
    run.run,
    train.train,
    resume.resume,
    table.table,
    show.show,
    diagnose.diagnose,
    report.report,
    card.card,
    explain.explain,
    check.check,
    split.split,
    compare.compare,
    predict.predict,
    export.export,
    serve.serve,
    fetch.fetch,
    sample.sample,
    cache.cache,
    info.info,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 2 for the user's mistake, 1 for ours, 130 and 143 for signals."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    own_settings()
    for stream, odd in zip((sys.stdin, sys.stdout, sys.stderr), _ODD_NAMES, strict=True):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=odd)
    with _notes_on_stderr(debug), ending_signals():
        try:
            outcome = _outcome(words)
            if sys.stdout is not None:
                sys.stdout.flush()  # what cannot be written is told here, and not by Python at its end
            return outcome if isinstance(outcome, int) else 0
        except BaseException as error:
            return _ended_by(error, debug)


def _outcome(words: list[str]) -> object:
    """What the command returned. Click's own `main` would end with 1 where the reader of a pipe has gone."""
    if "_GREYCARD_COMPLETE" in os.environ:  # a shell asks what a word may become
        return cli.main(words, prog_name="greycard")
    try:
        with cli.make_context("greycard", words) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code


def _ended_by(error: BaseException, debug: bool) -> int:
    """Tell what ended the command; the exit code. Libraries wrap an interruption in errors of their own."""
    stop = caused_by(error, KeyboardInterrupt)
    if stop is not None:
        return _tell_interrupted(stop, debug)
    if isinstance(error, BrokenPipeError):  # the reader, such as `head`, has seen enough
        nobody_reads()
        return 0
    if isinstance(error, click.ClickException):
        with suppress(OSError):
            error.show()
        return error.exit_code
    if isinstance(error, GreycardError):
        return _tell(f"error: {error}", USER_MISTAKE, debug)
    if isinstance(error, OSError):  # a full disk, a missing permission, a folder where a file should be
        place = f" {error.filename}" if error.filename else ""
        told = f"error: cannot read or write{place}: {error.strerror or error}\nhint: {_PLACE}"
        return _tell(told, USER_MISTAKE, debug)
    if isinstance(error, Exception):
        words_of_it = f"{type(error).__name__}: {error}"
        return _tell(f"error: Greycard failed: {words_of_it}\nhint: run it again with --debug", OUR_MISTAKE, debug)
    raise error


def _tell_interrupted(stop: BaseException, debug: bool) -> int:
    """A saved run is named; 128 and the signal's number, as shells have it."""
    run, number = getattr(stop, "run", None), getattr(stop, "number", INTERRUPTED - 128)
    saved = f"; {stop}\nhint: `{command('resume', run)}` goes on" if run else ""
    return _tell(f"interrupted{saved}", 128 + number, debug)


def _tell(message: str, code: int, debug: bool) -> int:
    with suppress(OSError):  # the terminal may have gone
        if debug:
            traceback.print_exc()
        click.echo(message, err=True)
    return code


@contextmanager
def _notes_on_stderr(debug: bool) -> Iterator[None]:
    """Greycard's warnings as one `note:` line each; the libraries' own only with --debug."""
    if debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("default" if debug else "ignore")
        warnings.simplefilter("always", GreycardWarning)
        normal, told = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, GreycardWarning):
                if str(message) not in told:  # of ten images with one class, the same note once
                    told.add(str(message))
                    with suppress(OSError):
                        click.echo(f"note: {message}", err=True)
            else:
                normal(message, category, *place)

        warnings.showwarning = show  # type: ignore[assignment]
        yield
