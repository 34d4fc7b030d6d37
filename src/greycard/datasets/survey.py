"""What a folder or a table of labels holds, and why it cannot be trained on: training stops there, `check` goes on."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset


@dataclass(frozen=True)
class Survey:
    """The images that are there, whether or not they can be trained on.

    Attributes:
        dataset: all that can be read; a side, or a class on one side, may be empty if there are problems.
        problems: why it cannot be trained on, the gravest first; empty for a dataset to train on.
    """

    dataset: Dataset
    problems: tuple[GreycardError, ...] = ()

    def expect_trainable(self) -> Dataset:
        """The dataset; raises the gravest problem if there is one."""
        if self.problems:
            raise self.problems[0]
        return self.dataset
