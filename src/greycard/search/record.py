"""What `search.json` holds: the ladder of a search, what each recipe cost and gained, and how the search ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.records import Count, Fraction, Number, Seconds, from_json
from greycard.core.run_format import SCHEMA

SEARCH, TRIED = "search.json", "tried"
"""The file of a search in its run's folder, and the folder of the runs that it tried."""

PLANNED, RUNNING, DONE, SKIPPED, FAILED = "planned", "running", "done", "skipped", "failed"
"""The states of a rung."""

ALL_TRIED, OUT_OF_TIME, CERTAIN, INTERRUPTED = "all tried", "out of time", "certain", "interrupted"
"""How a search ended: every recipe was tried, the time was over, more could not be told apart, or a signal came."""


@dataclass(frozen=True)
class Gain:
    """A recipe compared with the best one before it, on the same validation images.

    Attributes:
        over: the name of the best recipe before it.
        difference: its accuracy minus that of the best before it, a fraction; for several labels per image, the same
            of the mean average precision; for numbers, the mean absolute error of the best before it minus its own, so
            above 0 is better, too.
        low: the lower end of the 95 % interval of the difference.
        high: the upper end.
        p: of McNemar's exact test; for numbers of a paired t test; for several labels from resampled images.
    """

    over: str
    difference: float
    low: float
    high: float
    p: Fraction


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One recipe of the ladder; `tried/NAME.json` is its recipe at its full length.

    Attributes:
        name: its name in this search.
        what: its model and image size, in a few words.
        least_epochs: with fewer epochs it is not worth trying.
        expected_seconds: the most that it was expected to take; None if it was not measured.
        state: `planned`, `running`, `done`, `skipped` or `failed`.
        why: why it was skipped or failed.
        run: the folder of its run in `tried/`.
        seconds: what it took.
        val_accuracy: its validation accuracy, a fraction; None for numbers, and for several labels per image.
        val_mae: its mean absolute error on validation; None for classes.
        val_average_precision: its mean average precision on validation; None unless an image can have several labels.
        stopped: why its training stopped early.
        shortened: its epochs and those of its full length, such as `12 of 30`, if only fewer fitted into the time.
        rising: True if the time ended its training while its validation accuracy was still rising.
        gain: over the best recipe before it; None for the first one.
    """

    name: str
    what: str
    least_epochs: Number
    expected_seconds: Seconds | None = None
    state: str = PLANNED
    why: str | None = None
    run: str | None = None
    seconds: Seconds | None = None
    val_accuracy: Fraction | None = None
    val_mae: float | None = None
    val_average_precision: Fraction | None = None
    stopped: str | None = None
    shortened: str | None = None
    rising: bool = False
    gain: Gain | None = None


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """The images of the reported figure; `split.npz` has their ids under `test`.

    Attributes:
        source: `test` or `validation` if the data itself keeps them apart, `split` if they were split off.
        images: how many.
        seed: seed of the split.
        grouped: whether duplicates were kept on one side.
        unused: images that were left out, because all of them would take too long.
    """

    source: str
    images: Count
    seed: Count
    grouped: bool
    unused: Count = 0


@dataclass(frozen=True, kw_only=True)
class SearchRecord:
    """A search: its budget, its images and its ladder.

    Attributes:
        minutes: the budget.
        seed: of every recipe.
        spent_seconds: so far, in all processes of this search.
        val_images: number of images that the recipes were chosen on.
        set_aside: the images of the reported figure.
        rungs: the ladder, from cheap to dear.
        best: the name of the best recipe so far.
        ended: how the search ended; None while it is unfinished.
        more: what more minutes would bring.
    """

    minutes: float
    seed: Count
    spent_seconds: Seconds
    val_images: Count
    set_aside: SetAside
    rungs: tuple[Rung, ...]
    best: str | None = None
    ended: str | None = None
    more: str | None = None

    def rung(self, name: str) -> Rung:
        """The rung with this name."""
        return next(rung for rung in self.rungs if rung.name == name)

    def with_rung(self, changed: Rung) -> SearchRecord:
        """A copy in which this rung replaces the one of the same name."""
        return replace(self, rungs=tuple(changed if rung.name == changed.name else rung for rung in self.rungs))


def is_search(run: Path) -> bool:
    """True if the run was chosen by a search, finished or not."""
    return (run / SEARCH).is_file()


def read_search(run: Path) -> SearchRecord | None:
    """The search that chose a run; None if the run was trained by itself.

    Raises:
        GreycardError: the file is damaged, or has another schema.
    """
    if not is_search(run):
        return None
    path = run / SEARCH
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("schema") != SCHEMA:
            raise ValueError(f"it needs schema {SCHEMA}")
        return from_json(SearchRecord, content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, GreycardError) as error:
        why = error.args[0] if isinstance(error, GreycardError) else error
        raise GreycardError(
            f"{path} cannot be read: {why}", hint="the runs in its folder tried/ can still be used"
        ) from error
