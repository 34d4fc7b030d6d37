"""`greycard run`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from greycard.cli import options
from greycard.cli.next_steps import print_next_steps
from greycard.cli.output import print_table
from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.jobs.open_run import Run
    from greycard.projects import Project


@click.command()
@click.argument("projects", nargs=-1, required=True, metavar="PROJECT|FILE...|all")
@click.option(
    "--resume",
    "go_on",
    is_flag=True,
    help="Resume unfinished runs in --out and skip finished ones.",
)
@options.seeds
@options.workers
@options.on
@options.author
@options.data_dir
@options.training
def run(
    projects: tuple[str, ...],
    go_on: bool,
    seeds: str | None,
    workers: int | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train projects, recipe files, or all projects that have data.

    \b
    greycard run digits-cnn
    greycard run mnist-dnn mnist-cnn --epochs 5
    greycard run recipe.yaml my_projects.py
    greycard run all --resume
    greycard run all --seeds 0-2 --on processes:2
    greycard run mnist-cnn --workers 2

    It prints one line of the table for each; `greycard recipe PROJECT` prints a project's recipe, a recipe file. With
    --seeds or --on, a project's runs are in the folder NAME-sweep of --out; the same command continues them. With
    --workers, --on says where the workers of each run are.
    """
    from greycard.cluster.workers import expect_workers

    chosen = _chosen(projects, data_dir)
    if workers is not None:
        expect_workers(workers, where)
    if workers is not None and seeds is not None:
        raise GreycardError("--workers share one run, and --seeds trains several", hint="leave out one of them")
    if workers is None and (seeds is not None or where != "here"):
        _train_many(chosen, seeds, where, author, data_dir, asked)
        return
    _train_each(chosen, go_on, workers, where, author, data_dir, asked)


def _train_each(
    chosen: dict[str, Project],
    go_on: bool,
    workers: int | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train one project after the other, and print the table."""
    from greycard.api import runs_table

    finished, failed = [], []
    for name, project in chosen.items():
        try:
            finished.append(_train_one(project, go_on, workers, where, author, data_dir, asked))
        except GreycardError as error:
            if len(chosen) == 1:
                raise
            failed.append(name)
            click.echo(f"error: {name}: {error}", err=True)
    if finished:
        print_table(runs_table(finished))
        if not asked.quiet:
            print_next_steps(finished, data_dir=data_dir)
    if failed:
        raise GreycardError(
            f"{len(failed)} of {len(chosen)} projects could not be trained: {', '.join(failed)}",
            hint="see the errors above; the same command with --resume continues with the remaining projects",
        )


def _train_many(
    chosen: dict[str, Project],
    seeds: str | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> None:
    """Train all projects with all seeds, and print the table."""
    from greycard.api import runs_table
    from greycard.cluster.many import train_many
    from greycard.recipe.vary import parse_seeds

    if author is not None:
        raise GreycardError("--name is not recorded with --seeds and --on", hint="leave it out")
    found = train_many(
        list(chosen.values()),
        seeds=None if seeds is None else parse_seeds(seeds),
        on=where,
        data_dir=data_dir,
        weights=asked.weights,
        out=asked.out,
        quiet=asked.quiet,
        track=asked.track,
        changes=asked.changes,
    )
    print_table(runs_table([run for sweep in found for run in sweep.runs]))


def _chosen(names: tuple[str, ...], data_dir: str | None) -> dict[str, Project]:
    """What to train, by name; the projects of a Python file by their own names."""
    from greycard.jobs.find_recipe import find_projects

    chosen: dict[str, Project] = {}
    for name in names:
        found = _all_here(data_dir) if name == "all" else find_projects(name)
        for each in found:
            key = name if len(found) == 1 and name != "all" else each.name
            if key in chosen and chosen[key] != each:
                raise GreycardError(f"two projects have the name {key!r}", hint="run one after the other")
            chosen[key] = each
    return chosen


def _train_one(
    project: Project,
    go_on: bool,
    workers: int | None,
    where: str,
    author: str | None,
    data_dir: str | None,
    asked: options.Training,
) -> Run:
    from greycard.api import open_run, resume, train
    from greycard.runs.author import author_of
    from greycard.runs.record import earlier_run

    recipe = project.recipe.replace(**asked.changes)
    recipe = recipe.replace(parts=max(recipe.training.parts, workers or 1))
    earlier = earlier_run(asked.out, recipe, author_of(author)) if go_on else None
    shared: dict[str, Any] = {
        "data_dir": data_dir, "weights": asked.weights, "quiet": asked.quiet, "workers": workers, "on": where,
    }  # fmt: skip
    if earlier is None:
        return train(project, out=asked.out, track=asked.track, author=author, **shared, **asked.changes)
    if not earlier.finished:
        return resume(earlier, model=project.model, track=asked.track or None, **shared)
    click.echo(f"note: {earlier.path} is already finished", err=True)
    return open_run(earlier.path)


def _all_here(data_dir: str | None) -> list[Project]:
    from greycard.datasets.catalog import CATALOG
    from greycard.datasets.open import is_present
    from greycard.projects import projects as all_projects

    known = {entry.name for entry in CATALOG}
    everything = all_projects()
    here = [project for project in everything if is_present(project.recipe.data.dataset, data_dir)]
    for project in everything:
        if project not in here:
            dataset = project.recipe.data.dataset
            what = f"its data is missing (greycard fetch {dataset})" if dataset in known else f"{dataset} is missing"
            click.echo(f"note: {project.name} is skipped: {what}", err=True)
    return here
