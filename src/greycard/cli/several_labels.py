"""Print predictions of several labels per image: all labels that reach their thresholds."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from greycard.datasets.label_lists import NO_LABEL, list_text, separator_of
from greycard.deploy.answers.cells import answer_columns
from greycard.deploy.answers.job import Question

if TYPE_CHECKING:
    from greycard.cli.answers import Asked
    from greycard.deploy.predict import Prediction


def text(classes: Sequence[str], asked: Asked) -> Callable[[Prediction], None]:
    """The labels with their probabilities, separated by tabs; errors go to stderr."""

    def show(found: Prediction) -> None:
        if found.error:
            click.echo(f"error: {found.source}: {found.error}", err=True)
            return
        answers = [f"{label}\t{(found.probabilities or {})[label]:.4f}" for label in found.labels]
        cells = (*asked.first_cells(found), *(answers or [NO_LABEL]), *asked.last_cells(found))
        click.echo("\t".join((found.source, *cells)))

    return show


def as_csv(classes: Sequence[str], asked: Asked) -> Callable[[Prediction], None]:
    """A column of lists, as in a label file, and the probability of each label."""
    lines, separator = csv.writer(sys.stdout, lineterminator="\n"), separator_of(classes)
    lines.writerow(["path", *answer_columns(Question(labels=tuple(classes))), "error", *asked.columns])

    def show(found: Prediction) -> None:
        cells = [""] * (1 + len(classes))
        if not found.error:
            values = (f"{(found.probabilities or {})[name]:.6f}" for name in classes)
            cells = [list_text(found.labels, separator), *values]
        lines.writerow([found.source, *cells, found.error or "", *asked.row(found)])
        sys.stdout.flush()

    return show


def jsonl(classes: Sequence[str], asked: Asked) -> Callable[[Prediction], None]:
    """One object per image, with `labels` and the `probabilities` of all labels."""

    def show(found: Prediction) -> None:
        answer = {"labels": list(found.labels), "probabilities": found.probabilities, **asked.fields(found)}
        click.echo(json.dumps({"path": found.source, **({"error": found.error} if found.error else answer)}))

    return show
