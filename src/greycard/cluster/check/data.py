"""Check a dataset, or a list of images, here or on many machines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.cluster.check.image_list import list_of
from greycard.cluster.where import HERE, parse_where
from greycard.core.paths import as_path
from greycard.datasets.dataset import Dataset
from greycard.datasets.source import Source
from greycard.datasets.survey import Survey
from greycard.models.weights import expect_weights
from greycard.reports.progress import terminal_reporter

if TYPE_CHECKING:
    from greycard.audit.check import Report
    from greycard.audit.list_report import ListReport
    from greycard.audit.thumbnails import Thumbnails


def check(
    dataset: Dataset | Survey | Source | str | Path | Sequence[str | Path],
    *,
    weights: str | Path | None = None,
    on: str = HERE,
    out: str | Path = "runs",
    quiet: bool = False,
) -> tuple[Report | ListReport, Thumbnails]:
    """Check the images and labels of a dataset, or many images without labels.

    Args:
        dataset: anything that `open_dataset` takes, even if it is not trainable; a `Survey`; or a list of image names,
            also as a `.txt` or `.parquet` file, or `s3://…` or `gs://…` for all images below.
        weights: find label errors by a pretrained network's features, not by pixels: a file, a folder, or `imagenet`.
        on: where the images of a folder or a list are read, as for `sweep`.
        out: the folder of what is written: what was read elsewhere, until the end; and the Parquet files of a list.
        quiet: True to print nothing.

    Returns:
        A report, which for a list has some images of each finding, and the thumbnails of its images.

    Raises:
        GreycardError: the dataset has no images, the weights are invalid or not used, or `on` is not possible.
    """
    from greycard.cluster.check.folder import survey_images
    from greycard.cluster.check.many import check_list, expect_no_weights
    from greycard.jobs.check import check_dataset

    where, place, listed = parse_where(on), as_path(out, "out"), list_of(dataset)
    with terminal_reporter(quiet) as shown:
        if listed is not None:
            expect_no_weights(weights)
            return check_list(listed.names, listed.name, place, where, shown)
        expect_weights(weights)
        found, known = survey_images(dataset, None, place, where, shown)  # type: ignore[arg-type]  # no list is left
        return check_dataset(found, weights=weights, reporter=shown, thumbnails=known)
