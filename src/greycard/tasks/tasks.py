"""The table of tasks, and which one fits a dataset."""

from __future__ import annotations

from greycard.core.errors import GreycardError
from greycard.tasks.binary import Binary
from greycard.tasks.multiclass import MultiClass
from greycard.tasks.regression import Regression
from greycard.tasks.target import Target
from greycard.tasks.task import Task

TASKS: tuple[type[Task], ...] = (Regression, Binary, MultiClass)
"""The first one that fits is chosen if a recipe names none."""

NAMES = tuple(task.name for task in TASKS)


def task_for(classes: int, wanted: str | None = None, target: Target | None = None) -> Task:
    """The task for a number of classes.

    Args:
        classes: number of classes of the dataset; 0 if its targets are numbers.
        wanted: the name of a task, checked against the data; None chooses the first that fits.
        target: the numbers to predict from images, for a regression.

    Raises:
        GreycardError: the wanted task does not fit the number of classes.
    """
    fitting = [task for task in TASKS if task.fits(classes)]
    chosen = next((task for task in fitting if wanted in (None, task.name)), None)
    if chosen is None:
        raise GreycardError(
            f"task {wanted!r} does not fit data with {classes} classes;"
            f" expected {' or '.join(repr(task.name) for task in fitting)}",
            hint="use --set task=none to choose it by the number of classes",
        )
    return chosen(classes) if target is None else Regression(classes, target)
