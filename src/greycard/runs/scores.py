"""A run's scores, from its predictions alone."""

from __future__ import annotations

from greycard.core.errors import GreycardError, command
from greycard.evaluation.scores import Scores, scores
from greycard.runs.record import RunRecord


def scores_of(run: RunRecord) -> Scores:
    """See `scores`; GreycardError for an unfinished run, a regression, or several labels per image."""
    if not run.task.has_classes:
        raise GreycardError(
            f"{run.path} is a regression: it has no classes to score",
            hint=f"`{command('show', run.path)}` shows its results",
        )
    if run.task.has_several:
        raise GreycardError(
            f"an image of {run.path} can have several labels, so there are no classes to confuse",
            hint=f"`{command('show', run.path)}` and run.summary.labels have the figures of each label",
        )
    run.expect_finished()
    found = run.predictions
    return scores(found["labels"], found["probabilities"], run.classes)
