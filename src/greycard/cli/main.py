"""The `greycard` command: its subcommands, and how it prints errors, notes and interruptions."""

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
    crossval,
    diagnose,
    embed,
    explain,
    export,
    fetch,
    find_lr,
    info,
    options,
    predict,
    projects,
    recipe,
    records,
    report,
    resume,
    run,
    sample,
    serve,
    show,
    similar,
    split,
    studio,
    sweep,
    table,
    test,
    train,
    tune,
)
from greycard.cli.endings import caused_by, discard_output, ending_signals
from greycard.cli.group import Group
from greycard.cli.own_settings import own_settings
from greycard.core.errors import GreycardError, GreycardWarning, command

USER_MISTAKE, OUR_MISTAKE, INTERRUPTED = 2, 1, 130
_PLACE = "check the path, its permissions and the free disk space, or choose another path"
_ODD_NAMES = ("surrogateescape", "backslashreplace", "backslashreplace")
"""How stdin, stdout and stderr handle file names that are not valid text."""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": options.WIDTH})
@click.version_option(package_name="greycard", message="%(package)s %(version)s")
def cli() -> None:
    """Image classification on your own machine: from a folder of images to a model and honest numbers.

    \b
    greycard run digits-cnn  # train a project on data included in Greycard
    greycard sample pets     # render a folder of images to try
    greycard train pets      # train on a folder of labelled images
    greycard table           # list the runs in a table

    `greycard COMMAND --help` shows examples.
    """


for _command in (
    projects.projects,
    records.records,
    recipe.recipe,
    run.run,
    train.train,
    crossval.crossval,
    sweep.sweep,
    resume.resume,
    find_lr.find_lr,
    tune.tune,
    table.table,
    show.show,
    diagnose.diagnose,
    report.report,
    card.card,
    explain.explain,
    test.test,
    check.check,
    split.split,
    compare.compare,
    predict.predict,
    embed.embed,
    similar.similar,
    export.export,
    serve.serve,
    studio.studio,
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
                sys.stdout.flush()  # report a write error here, before Python does so at exit
            return outcome if isinstance(outcome, int) else 0
        except BaseException as error:
            return _ended_by(error, debug)


def _outcome(words: list[str]) -> object:
    """Run the command and return its result. Click's own `main` would exit with 1 on a closed pipe."""
    if "_GREYCARD_COMPLETE" in os.environ:  # the shell requests completions
        return cli.main(words, prog_name="greycard")
    try:
        with cli.make_context("greycard", words) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code


def _ended_by(error: BaseException, debug: bool) -> int:
    """Report the error and return the exit code. Libraries may wrap an interruption in their own errors."""
    stop = caused_by(error, KeyboardInterrupt)
    if stop is not None:
        return _report_interruption(stop, debug)
    if isinstance(error, BrokenPipeError):  # the reader, such as `head`, has closed the pipe
        discard_output()
        return 0
    if isinstance(error, click.ClickException):
        with suppress(OSError):
            error.show()
        return error.exit_code
    if isinstance(error, GreycardError):
        return _report(f"error: {error}", USER_MISTAKE, debug)
    if isinstance(error, OSError):  # a full disk, a missing permission, a folder where a file should be
        place = f" {error.filename}" if error.filename else ""
        message = f"error: cannot read or write{place}: {error.strerror or error}\nhint: {_PLACE}"
        return _report(message, USER_MISTAKE, debug)
    if isinstance(error, Exception):
        details = f"{type(error).__name__}: {error}"
        return _report(f"error: Greycard failed: {details}\nhint: run it again with --debug", OUR_MISTAKE, debug)
    raise error


def _report_interruption(stop: BaseException, debug: bool) -> int:
    """Report the saved run; returns 128 plus the signal's number, as shells do."""
    run, number = getattr(stop, "run", None), getattr(stop, "number", INTERRUPTED - 128)
    hint = getattr(stop, "hint", None) or (f"`{command('resume', run)}` continues it" if run else "")
    saved = f"; {stop}\nhint: {hint}" if run else ""
    return _report(f"interrupted{saved}", 128 + number, debug)


def _report(message: str, code: int, debug: bool) -> int:
    with suppress(OSError):  # the terminal may be closed
        if debug:
            traceback.print_exc()
        click.echo(message, err=True)
    return code


@contextmanager
def _notes_on_stderr(debug: bool) -> Iterator[None]:
    """Print each Greycard warning as one `note:` line; print warnings of libraries only with --debug."""
    if debug:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0"
    with warnings.catch_warnings():
        warnings.simplefilter("default" if debug else "ignore")
        warnings.simplefilter("always", GreycardWarning)
        normal, shown = warnings.showwarning, set[str]()

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, GreycardWarning):
                if str(message) not in shown:  # print a repeated note once
                    shown.add(str(message))
                    with suppress(OSError):
                        click.echo(f"note: {message}", err=True)
            else:
                normal(message, category, *place)

        warnings.showwarning = show  # type: ignore[assignment]
        yield
