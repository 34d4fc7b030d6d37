"""The table of tasks, and which one fits a dataset."""

from __future__ import annotations

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset
from greycard.tasks.binary import Binary
from greycard.tasks.multiclass import MultiClass
from greycard.tasks.multilabel import MultiLabel
from greycard.tasks.regression import Regression
from greycard.tasks.target import Target
from greycard.tasks.task import Task

TASKS: tuple[type[Task], ...] = (Regression, Binary, MultiClass, MultiLabel)
"""The first one that fits is chosen if a recipe names none."""

NAMES = tuple(task.name for task in TASKS)


def task_of(dataset: Dataset, wanted: str | None = None) -> Task:
    """The task for a dataset, by its labels; see `task_for`."""
    return task_for(len(dataset.classes), wanted, several=dataset.has_several_labels)


def task_for(
    classes: int, wanted: str | None = None, *, several: bool | None = None, target: Target | None = None
) -> Task:
    """The task for a number of classes.

    Args:
        classes: number of classes of the dataset; 0 if its targets are numbers.
        wanted: the name of a task, checked against the data; None chooses the first that fits.
        several: True if an image can have several labels; None if `wanted` was chosen by the data before.
        target: the numbers to predict from images, for a regression.

    Raises:
        GreycardError: the wanted task does not fit the data.
    """
    many = wanted == MultiLabel.name if several is None else several
    fitting = [task for task in TASKS if task.fits(classes, many)]
    chosen = next((task for task in fitting if wanted in (None, task.name)), None)
    if chosen is None:
        kind = "labels, several per image" if many else "classes"
        raise GreycardError(
            f"task {wanted!r} does not fit data with {classes} {kind};"
            f" expected {' or '.join(repr(task.name) for task in fitting)}",
            hint="use --set task=none to choose it by the data",
        )
    return chosen(classes) if target is None else Regression(classes, target)
