"""How many workers train one run, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from greycard.cluster.where import HERE, PROCESSES, Where, expect_place, parse_where
from greycard.core.errors import GreycardError
from greycard.core.values import plain
from greycard.recipe.training import POWERS

MOST = max(POWERS)


@dataclass(frozen=True)
class Workers:
    """The workers of one run.

    Attributes:
        count: a power of two.
        where: the place they are in.
    """

    count: int
    where: Where


def ask_workers(count: int | None, on: str, callbacks: Sequence[object]) -> Workers | None:
    """The workers that the arguments of `train` or `resume` ask for; None to train in this process.

    Raises:
        GreycardError: there can be no such workers, or Ray is not installed.
    """
    expect_workers(count, on)
    if count is None or (count == 1 and on == HERE):
        return None
    if callbacks:
        raise GreycardError(
            "callbacks are called in this process, and workers train in others",
            hint="leave out `callbacks`, or `workers`",
        )
    if find_spec("ray") is None:
        raise GreycardError(
            "several workers need Ray, which is not installed", hint='pip install "greycard[ray]", or --workers 1'
        )
    where = Where(PROCESSES, count) if on == HERE else parse_where(on)
    if where.kind == PROCESSES and where.processes < count:
        raise GreycardError(
            f"{count} workers need as many processes. Received: --on {on}", hint=f"--on {PROCESSES}:{count}"
        )
    return Workers(count, where)


def expect_workers(count: int | None, on: str) -> None:
    """Raise a GreycardError for a wrong number of workers, or for a place without one."""
    expect_place(on)
    if count is not None and (isinstance(count, bool) or not isinstance(plain(count), int)):
        raise GreycardError(f"the number of workers is a whole number. Received: {count!r}", hint="workers=2")
    if count is None and on != HERE:
        raise GreycardError(f"--on {on} says where workers train, not how many", hint=f"--workers 2 --on {on}")
    if count is not None and (count < 1 or count & (count - 1)):
        possible = 1 << int(count).bit_length() - 1 if count > 0 else 1
        raise GreycardError(
            f"the number of workers must be a power of two. Received: {count}", hint=f"--workers {min(possible, MOST)}"
        )
    if count is not None and count > MOST:
        raise GreycardError(f"at most {MOST} workers can share a batch. Received: {count}", hint=f"--workers {MOST}")
