"""`greycard predict`: what is refused, which predictions are to be reviewed, and prediction sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    from greycard.deploy.predict import Prediction

refuse_option = click.option(
    "--refuse",
    metavar="SHARE|none",
    default="default",
    help="Answer `none of these` for strange images: at most this share of the classes' own images is refused."
    "  [default: the smallest of 0.05, 0.1 and 0.2 that the run can promise]",
)
_OPTIONS = (
    refuse_option,
    click.option(
        "--unsure",
        type=click.FloatRange(0, 1),
        metavar="P",
        help="Mark for review: predictions below this probability, of several labels that of the least sure one, and"
        " refused images.",
    ),
    click.option(
        "--sets",
        type=float,
        metavar="SHARE",
        help="Print the classes that it may be, such as `cat or dog`: this share of the sets, such as 0.95, has the"
        " right class.",
    ),
)


_ONE_CLASS = ("top", "unsure", "sets")
"""Options about the one class of an image."""


def expect_one_class(context: click.Context) -> None:
    """Raise GreycardError for an option about the class of an image; the run predicts a number."""
    for name in _ONE_CLASS:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise GreycardError(
                f"--{name} is for runs with one class per image; this run predicts a number",
                hint=f"leave out --{name}",
            )


def answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `Asked` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass
class Asked:
    """What the user asks for beside the class, and how many predictions are to be reviewed.

    Attributes:
        limit: of the strangeness; None if no image is refused.
        unsure: predictions below this probability are to be reviewed; None for no review.
        sets: whether prediction sets are printed.
        refused: number of refused images so far.
        below: number of other images below `unsure` so far.
    """

    limit: float | None
    unsure: float | None
    sets: bool
    refused: int = 0
    below: int = 0

    def count(self, found: Prediction) -> None:
        """Count a prediction if it is to be reviewed."""
        if self.is_unsure(found):
            self.refused += found.refused
            self.below += not found.refused

    def is_unsure(self, found: Prediction) -> bool:
        """Whether a prediction is to be reviewed."""
        return found.is_unsure(self.unsure)

    def first_cells(self, found: Prediction) -> list[str]:
        """Cells of a text line before the classes."""
        if found.refused:
            return [found.answer, f"strangeness {found.strangeness:.3f} > {self.limit:.3f}"]
        return [" or ".join(found.one_of)] if found.one_of else []

    def last_cells(self, found: Prediction) -> list[str]:
        """Cells of a text line after the classes."""
        return ["review"] if self.is_unsure(found) else []

    def fields(self, found: Prediction) -> dict[str, Any]:
        """Fields of a JSON object."""
        strange = {} if found.strangeness is None else {"refused": found.refused, "strangeness": found.strangeness}
        sets = {"one_of": list(found.one_of or ())} if self.sets else {}
        return strange | sets | ({} if self.unsure is None else {"review": self.is_unsure(found)})

    @property
    def columns(self) -> list[str]:
        """The names of the cells of a CSV row."""
        more = {"one_of": self.sets, "review": self.unsure is not None}
        return ["refused", "strangeness", *(name for name, wanted in more.items() if wanted)]

    def row(self, found: Prediction) -> list[str]:
        """Cells of a CSV row, in the order of `columns`."""
        cells = {
            "refused": "yes" if found.refused else "",
            "strangeness": "" if found.strangeness is None else f"{found.strangeness:.6f}",
            "one_of": " or ".join(found.one_of or ()),
            "review": "yes" if self.is_unsure(found) else "",
        }
        return [cells[name] for name in self.columns]

    def last_line(self, count: int) -> str | None:
        """How many of the predictions are to be reviewed; None for no review."""
        if self.unsure is None:
            return None
        of = f"{self.refused + self.below:,} of {count:,} predictions to review"
        return f"{of}: {self.refused:,} none of these, {self.below:,} below {self.unsure:g}"
