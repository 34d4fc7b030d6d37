"""Print predictions of several labels per image: all labels that reach their thresholds."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from greycard.core.errors import GreycardError
from greycard.datasets.label_lists import NO_LABEL

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction

_BETWEEN = ";"


def expect_no_top(context: click.Context) -> None:
    """Raise GreycardError if `--top` was given: how many labels are printed depends on the image."""
    if context.get_parameter_source("top") is not click.core.ParameterSource.DEFAULT:
        raise GreycardError(
            "--top is for runs with one class per image; this run prints all labels that reach their thresholds",
            hint="leave out --top; --format csv and --format jsonl have the probability of every label",
        )


def text(classes: Sequence[str]) -> Callable[[Prediction], None]:
    """The labels with their probabilities, separated by tabs; errors go to stderr."""

    def show(found: Prediction) -> None:
        if found.error:
            click.echo(f"error: {found.source}: {found.error}", err=True)
            return
        answers = [f"{label}\t{(found.probabilities or {})[label]:.4f}" for label in found.labels]
        click.echo("\t".join((found.source, *(answers or [NO_LABEL]))))

    return show


def as_csv(classes: Sequence[str]) -> Callable[[Prediction], None]:
    """A column of lists, as in a label file, and the probability of each label."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(["path", "labels", *classes, "error"])

    def show(found: Prediction) -> None:
        values = [f"{(found.probabilities or {})[name]:.6f}" for name in classes] if not found.error else []
        listed = _BETWEEN.join(found.labels) or NO_LABEL
        lines.writerow([found.source, *([listed, *values] if values else [""] * (1 + len(classes))), found.error or ""])
        sys.stdout.flush()

    return show


def jsonl(classes: Sequence[str]) -> Callable[[Prediction], None]:
    """One object per image, with `labels` and the `probabilities` of all labels."""

    def show(found: Prediction) -> None:
        answer = {"labels": list(found.labels), "probabilities": found.probabilities}
        click.echo(json.dumps({"path": found.source, **({"error": found.error} if found.error else answer)}))

    return show
