"""`greycard resume`."""

from __future__ import annotations

import click

from greycard.cli import options
from greycard.cli.crossval import print_crossval
from greycard.cli.next_steps import print_next_steps
from greycard.cli.output import print_table, run_path


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--data", metavar="FOLDER|CSV", help="New path of the training images, if they were moved.")
@options.workers
@options.on
@options.data_dir
@options.weights
@options.out
@options.quiet
@options.debug
def resume(
    run: str,
    data: str | None,
    workers: int | None,
    where: str,
    data_dir: str | None,
    weights: str | None,
    out: str,
    quiet: bool,
    debug: bool,
) -> None:
    """Continue an unfinished RUN, search or cross-validation.

    \b
    greycard resume pets-1
    greycard resume runs/pets-1 --data elsewhere/pets
    greycard resume pets-1 --workers 4

    On a CPU the results are the same as without the interruption, with any number of workers that the run's `parts`
    allow. A search continues with the minutes that were left.
    It prints the run's line of the table.
    """
    from greycard.api import resume, runs_table
    from greycard.cluster.resume import expect_one_run
    from greycard.cluster.workers import expect_workers
    from greycard.jobs.crossval import resume_crossval
    from greycard.runs.crossval import is_crossval
    from greycard.runs.run_args import read_run_args

    expect_workers(workers, where)
    path = run_path(run, out)
    if is_crossval(path):
        expect_one_run(path, workers)
        print_crossval(resume_crossval(path, data, data_dir=data_dir, weights=weights, quiet=quiet).path)
        return
    known = data or read_run_args(path).data  # a finished run does not store the path
    finished = resume(path, data=data, data_dir=data_dir, weights=weights, quiet=quiet, workers=workers, on=where)
    print_table(runs_table([finished]))
    if not quiet:
        print_next_steps([finished], known, data_dir)
