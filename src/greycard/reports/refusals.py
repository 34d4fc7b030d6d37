"""What a run promises about images that belong to no class, in a line or two."""

from __future__ import annotations

from greycard.evaluation.rejection.promise import SHARES, images_needed, percent
from greycard.evaluation.rejection.record import CLASSES, Refused, Rejection
from greycard.reports.columns import span
from greycard.runs.record import RunRecord


def refusal_rows(run: RunRecord) -> list[tuple[str, str]]:
    """The facts of a finished run, each with its name; none without images."""
    found = run.summary.rejection
    if run.recipe.data.image_size is None:
        return []
    if found is None:
        least = images_needed(SHARES[-1])
        return [("none of these", f"never answered: a promise needs at least {least} validation images")]
    own = "the classes' own images" if run.task.has_classes else "images like its own"
    return [("none of these", promise(found, own)), ("  strangers", strangers(found))]


def promise(found: Rejection, own: str) -> str:
    """The promise about the run's `own` images, and the share that was really refused."""
    calibrated = f"from {found.calibration_images:,} {found.calibrated_on} images"
    measured = f"refused {shares(found.own)} other ones" if found.own else "not measured: too few other images"
    return f"at most {percent(found.share)} of {own}, with 95 % confidence, {calibrated}; {measured}"


def strangers(found: Rejection) -> str:
    """How many images of no class are refused."""
    if found.strangers is None:
        return "not measured: put images of other things into a folder strangers/"
    if found.strangers_are == CLASSES:
        return (
            f"refused {shares(found.strangers)} images whose class is left out of the comparison: an estimate, because"
            " the network was trained on the class"
        )
    return f"refused {shares(found.strangers)} images in strangers/"


def shares(found: Refused) -> str:
    """`4.0 % (95 % interval 2.0 to 7.9 %) of 200`."""
    return f"{100 * found.share:.1f} % (95 % interval {span(*found.interval)}) of {found.images:,}"
