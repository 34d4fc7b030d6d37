"""Where units of work run: here, in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from greycard.cluster.engine import Engine, Here
from greycard.core.errors import GreycardError

HERE, PROCESSES, CLUSTER = "here", "processes", "cluster"
_ADDRESS = "RAY_ADDRESS"
_EXAMPLES = "here, processes:2, lab-01:6379, or cluster for the address in RAY_ADDRESS"


@dataclass(frozen=True)
class Where:
    """A place for work.

    Attributes:
        kind: `HERE`, `PROCESSES` or `CLUSTER`.
        processes: number of processes on this machine.
        address: of a cluster, `HOST:PORT`.
    """

    kind: str
    processes: int = 0
    address: str = ""


def expect_place(text: object) -> None:
    """Raise a GreycardError if a place is not text, which Python does not check."""
    if not isinstance(text, str):
        raise GreycardError(f"on is text. Received: {text!r}", hint='on="processes:2"')


def parse_where(text: str) -> Where:
    """A place from text: `here`, `processes:N`, `HOST:PORT` or `cluster`.

    Raises:
        GreycardError: it is no such text, `RAY_ADDRESS` is not set, or Ray is not installed.
    """
    expect_place(text)
    if text == HERE:
        return Where(HERE)
    if text == CLUSTER:
        address = os.environ.get(_ADDRESS, "")
        if not address:
            raise GreycardError(f"--on cluster needs {_ADDRESS}. Received: none", hint=f"export {_ADDRESS}=HOST:6379")
        return _installed(_cluster(address), text)
    name, _, count = text.partition(":")
    if name == PROCESSES:
        if not count.isdecimal() or int(count) < 1:
            raise GreycardError(
                f"processes:N needs a number of at least 1. Received: {text!r}", hint="--on processes:2"
            )
        return _installed(Where(PROCESSES, int(count)), text)
    return _installed(_cluster(text), text)


def expect_share(share: tuple[int, int] | None, where: Where) -> None:
    """Raise a GreycardError if a process cannot be part `share[0]` of `share[1]`, counted from 0."""
    if share is None:
        return
    number, of = share
    if not 0 <= number < of:
        raise GreycardError(f"share i/n needs 0 ≤ i < n. Received: {number}/{of}", hint="for example --share 0/4")
    if where.kind != HERE:
        raise GreycardError(
            "a share is for processes that you start yourself; another place distributes the work by itself",
            hint="leave out --share or --on",
        )


@contextmanager
def open_engine(where: Where, say: Callable[[str], None], threads: int | None = None) -> Iterator[Engine]:
    """The engine of a place, and its end after the block.

    Args:
        where: the place.
        say: called with sentences for the user, such as the loss of a machine.
        threads: cores of each unit; by default the cores are divided.

    Raises:
        GreycardError: nothing answers at the address, or a machine there has another version of Greycard.
    """
    if where.kind == HERE:
        yield Here()
        return
    from greycard.cluster.ray_start import prepare

    prepare(where)  # before Ray is imported
    from greycard.cluster.on_ray import on_ray

    with on_ray(where, say, threads) as engine:
        yield engine


def _cluster(address: str) -> Where:
    if address.startswith("ray://"):
        raise GreycardError(
            f"Ray Client ({address}) is not supported: it loses the work when the connection breaks",
            hint="run the command on a machine of the cluster: ray job submit -- greycard …",
        )
    if not re.fullmatch(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", address):
        raise GreycardError(f"work cannot run on {address!r}; expected {_EXAMPLES}", hint="leave out --on to work here")
    return Where(CLUSTER, address=address)


def _installed(where: Where, text: str) -> Where:
    if find_spec("ray") is None:
        raise GreycardError(
            f"--on {text} needs Ray, which is not installed", hint='pip install "greycard[ray]", or --on here'
        )
    return where
