"""The doctor's whole look at a dataset; with weights, labels are judged by a pretrained network's features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from greycard.datasets.core import Dataset
from greycard.datasets.survey import Survey
from greycard.doctor.check import Report, check
from greycard.doctor.looks import Looks
from greycard.training.display import Display


def check_dataset(data: Dataset | Survey, *, weights: str | Path | None, display: Display) -> tuple[Report, Looks]:
    """Look at every picture.

    Args:
        data: of pictures; a survey, where they need not be fit to train on.
        weights: a pretrained network's file or folder of files, `imagenet`, or None to judge labels by pixels, as those
            are that cannot be trained on.
        display: told of progress.

    Raises:
        GreycardError: see `check`; weights that are none.
    """
    found = data if isinstance(data, Survey) else Survey(data)
    dataset = found.dataset
    count = display.counting("pictures looked at", len(dataset.train) + len(dataset.validation))
    with display.waiting("comparing pictures"):
        return check(
            dataset,
            problems=found.problems,
            on_image=lambda: count(1),
            features=_features(dataset, None if found.problems else weights, display),
        )


def _features(dataset: Dataset, weights: str | Path | None, display: Display) -> Callable[[], np.ndarray | None]:
    def computed() -> np.ndarray | None:
        if weights in (None, "none"):
            return None
        from greycard.backend import start

        start()
        from greycard.workflow.features import network_features

        return network_features(dataset, str(weights), display)

    return computed
