"""Check a dataset; with weights, labels are judged by a pretrained network's features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from greycard.audit.check import Report, check
from greycard.audit.thumbnails import Thumbnails
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset
from greycard.datasets.survey import Survey
from greycard.models.packaged import lite0_hint


def check_dataset(
    data: Dataset | Survey,
    *,
    weights: str | Path | None,
    reporter: Reporter,
    thumbnails: Thumbnails | None = None,
) -> tuple[Report, Thumbnails]:
    """Check every image.

    Args:
        data: of images; a survey, where they need not be fit to train on.
        weights: a pretrained network's file or folder of files, `imagenet`, or None to judge labels by pixels, as those
            are that cannot be trained on.
        reporter: shows progress.
        thumbnails: of all images, if they are known.

    Raises:
        GreycardError: see `check`, or invalid weights.
    """
    found = data if isinstance(data, Survey) else Survey(data)
    dataset = found.dataset
    left = 0 if thumbnails else sum(map(len, dataset.splits))
    count = reporter.progress("checking images", left) if left else (lambda images: None)
    with reporter.status("comparing images"):
        return check(
            dataset,
            problems=found.problems,
            thumbnails=thumbnails,
            on_image=lambda: count(1),
            features=_features(dataset, None if found.problems else weights, reporter),
            advice=lite0_hint("--weights imagenet"),
        )


def _features(dataset: Dataset, weights: str | Path | None, reporter: Reporter) -> Callable[[], np.ndarray | None]:
    def computed() -> np.ndarray | None:
        if weights in (None, "none"):
            return None
        from greycard.backend import start

        start()
        from greycard.jobs.features import network_features

        return network_features(dataset, str(weights), reporter)

    return computed
