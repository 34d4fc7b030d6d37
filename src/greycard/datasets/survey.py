"""Images found in a dataset, and the problems that prevent training: `train` stops there, `check` continues."""

from __future__ import annotations

from dataclasses import dataclass

from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset


@dataclass(frozen=True)
class Survey:
    """The images found, whether or not they can be used for training.

    Attributes:
        dataset: all readable images; a split, or a class in a split, may be empty if there are problems.
        problems: errors that prevent training, the most serious first; empty if there are none.
    """

    dataset: Dataset
    problems: tuple[GreycardError, ...] = ()

    def expect_trainable(self) -> Dataset:
        """The dataset; raises the most serious problem if there is one."""
        if self.problems:
            raise self.problems[0]
        return self.dataset
