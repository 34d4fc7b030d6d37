"""The interface of what runs many units of work, and the engine that runs them in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from greycard.core.errors import GreycardError

UnitT = TypeVar("UnitT")
ResultT = TypeVar("ResultT")

LOOPBACK = "127.0.0.1"


class NoRoomError(Exception):
    """Machines are lost, and with them room for units that must run at the same time."""


@dataclass(frozen=True)
class Done(Generic[UnitT, ResultT]):
    """One unit that has ended.

    Attributes:
        unit: as it was given.
        result: of the function; None if it failed.
        error: why it failed; None if it did not.
        place: where it ran, for messages; empty for this process.
        lost: whether it failed because its process or machine ended.
    """

    unit: UnitT
    result: ResultT | None
    error: GreycardError | None = None
    place: str = ""
    lost: bool = False


class Engine(Protocol):
    """Runs a function for each of many units.

    The function has to be idempotent: after a crash the same unit runs again, perhaps elsewhere.
    """

    @property
    def shares_terminal(self) -> bool:
        """True if the function can show its progress on this terminal."""
        ...

    @property
    def slots(self) -> int:
        """How many units can run at the same time now."""
        ...

    @property
    def address(self) -> str:
        """Where units reach this process in the network."""
        ...

    def each(
        self, function: Callable[..., ResultT], units: Sequence[UnitT], attempts: int = 4, common: Any = None
    ) -> Iterator[Done[UnitT, ResultT]]:
        """Run the function for each unit, and yield what has ended, in any order.

        Args:
            function: a function of a module, so that other processes can import it.
            units: its arguments; other processes get copies.
            attempts: how often a unit may begin that ends with its process or machine. Errors are not repeated.
            common: a second argument for all units, which each machine gets once; None for none.

        Raises:
            NoRoomError: within `room_for`, a place that was kept is lost.
            KeyboardInterrupt: a signal.
        """
        ...

    def room_for(self, count: int) -> AbstractContextManager[None]:
        """Within the block there is room for so many units at the same time; at its end those that run are cancelled.

        Raises:
            NoRoomError: `slots` have become fewer while this waited.
            KeyboardInterrupt: a signal.
        """
        ...

    def cancel(self) -> None:
        """End units that still run; they save their state."""
        ...


class Here:
    """Runs one unit after the other in this process."""

    shares_terminal, slots, address = True, 1, LOOPBACK

    def each(
        self, function: Callable[..., ResultT], units: Sequence[UnitT], attempts: int = 4, common: Any = None
    ) -> Iterator[Done[UnitT, Any]]:
        for unit in units:
            try:
                yield Done(unit, function(unit) if common is None else function(unit, common))
            except GreycardError as error:
                yield Done(unit, None, error)

    def room_for(self, count: int) -> AbstractContextManager[None]:
        return nullcontext()

    def cancel(self) -> None:
        """Nothing runs outside `each`."""
