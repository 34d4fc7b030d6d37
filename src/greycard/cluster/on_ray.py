"""Run units as tasks of Ray, in processes of this machine or on a cluster.

Ray places the tasks and repeats those whose process or machine is lost. It keeps no state that Greycard needs.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, RayTaskError, TaskCancelledError
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy, PlacementGroupSchedulingStrategy

from greycard.backend.thread_limits import changed_environment
from greycard.cluster.engine import LOOPBACK, Done, NoRoomError, ResultT, UnitT
from greycard.cluster.ray_room import SECONDS_BETWEEN_LOOKS, Machines, is_reserved, is_whole, reserved
from greycard.cluster.ray_start import connected
from greycard.cluster.versions import expect_equal, facts
from greycard.cluster.where import PROCESSES, Where
from greycard.core.errors import GreycardError
from greycard.core.threads import REQUESTED, VARIABLE, thread_count
from greycard.storage.object_store import ENVIRONMENT

_SECONDS_TO_SAVE = 60.0
"""After Ctrl-C, runs may take this long to save their state."""

_SECONDS_TO_ANSWER = 120.0
"""A machine may take this long to start a process and name its versions."""

_LOOKS_BEFORE_TOLD = 3
"""Room that is free is reserved within so many looks."""

_AHEAD = 2
"""Tasks in flight for each one that can run: enough to keep all machines busy, and few to cancel."""

_PASSED_ON = ("KERAS_BACKEND", "GREYCARD_PRECISION", "GREYCARD_DATA", "GREYCARD_WEIGHTS", *ENVIRONMENT)
"""Environment variables that have to be the same on all machines."""


@contextmanager
def on_ray(where: Where, say: Callable[[str], None], threads: int | None = None) -> Iterator[OnRay]:
    """The engine on Ray; on the way out it cancels what still runs, and leaves the cluster or ends its own.

    Args:
        where: processes of this machine, or the address of a cluster.
        say: called with sentences for the user.
        threads: CPU cores of each task; None for those that the user asks for, or a part of them.

    Raises:
        GreycardError: no Ray answers at the address, or a machine has other versions than this one.
    """
    threads = threads or _threads(where)
    with connected(where, where.processes * threads):
        engine = OnRay(threads, say, names_places=where.kind != PROCESSES)
        try:
            if where.kind != PROCESSES:
                engine.expect_equal_versions()
            yield engine
        finally:
            engine.cancel()


class OnRay:
    """Runs units as tasks of the Ray that this process is connected to.

    Args:
        threads: CPU cores of each task.
        say: called with sentences for the user.
        names_places: whether results name the machine.
    """

    shares_terminal = False

    def __init__(self, threads: int, say: Callable[[str], None], names_places: bool) -> None:
        self._threads, self._say, self._names_places = threads, say, names_places
        self._running: dict[Any, Any] = {}
        self._machines = Machines(threads, say)
        self._room: PlacementGroup | None = None

    @property
    def slots(self) -> int:
        self._machines.count()
        return self._machines.slots

    @property
    def address(self) -> str:
        return str(ray.util.get_node_ip_address()) if self._names_places else LOOPBACK

    def each(
        self, function: Callable[..., ResultT], units: Sequence[UnitT], attempts: int = 4, common: Any = None
    ) -> Iterator[Done[UnitT, ResultT]]:
        task = ray.remote(_run).options(**self._options(attempts))
        expected, environment = facts(), self._environment()
        shared = () if common is None else (_sent(ray.put, common),)
        waiting = deque((unit, 1) for unit in units)
        while waiting or self._running:
            while waiting and len(self._running) < _AHEAD * max(1, self._machines.slots):
                unit, tried = waiting.popleft()
                self._running[_sent(task.remote, function, unit, environment, expected, *shared)] = unit, tried
            ready, _ = ray.wait(list(self._running), num_returns=1, timeout=SECONDS_BETWEEN_LOOKS)
            if self._machines.look() and self._room and not is_whole(self._room):
                raise NoRoomError
            for reference in ready:
                unit, tried = self._running.pop(reference)
                found = _fetched(reference)
                if tried < attempts and isinstance(found, TaskCancelledError):
                    waiting.append((unit, tried + 1))
                else:
                    yield self._done(unit, found, attempts)

    @contextmanager
    def room_for(self, count: int) -> Iterator[None]:
        with reserved(self._machines.bundle, count) as room:
            self._wait_for(room, count)
            self._room = room
            try:
                yield
            finally:
                self.cancel()
                self._room = None

    def _wait_for(self, room: PlacementGroup, count: int) -> None:
        looks = 0
        while not is_reserved(room):
            if self.slots < count:
                raise NoRoomError
            looks += 1
            if looks == _LOOKS_BEFORE_TOLD and self._names_places:  # a private Ray has no other work
                workers = "1 worker" if count == 1 else f"{count} workers at the same time"
                self._say(f"waiting for room for {workers}: other work fills the cluster")

    def cancel(self) -> None:
        """Cancel what still runs, as Ctrl-C does, and wait until it has saved its state."""
        running = list(self._running)
        self._running.clear()
        if not running:
            return
        self._say("waiting for runs to save their state")
        for reference in running:
            with suppress(RayError):
                ray.cancel(reference)
        ray.wait(running, num_returns=len(running), timeout=_SECONDS_TO_SAVE)

    def expect_equal_versions(self) -> None:
        """Raise a GreycardError that names a machine with another Greycard, Keras or backend than this one."""
        environment = self._environment()
        asked = {}
        for node in self._machines.names:
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            asked[node] = ray.remote(_facts).options(num_cpus=0, scheduling_strategy=there).remote(environment)
        for node, reference in asked.items():
            try:
                found = ray.get(reference, timeout=_SECONDS_TO_ANSWER)
            except GetTimeoutError as error:
                raise GreycardError(
                    f"{self._machines.names[node]} has not answered for {_SECONDS_TO_ANSWER:.0f} seconds",
                    hint="see Ray's log on that machine, or remove it from the cluster",
                ) from error
            except RayError as error:
                raise GreycardError(
                    f"{self._machines.names[node]} has no Greycard that can be imported: {_last_line(error)}",
                    hint="install the same version there, into the Python that Ray uses",
                ) from error
            expect_equal(facts(), found, self._machines.names[node])

    def _environment(self) -> dict[str, str]:
        found = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return found | changed_environment(self._threads) | {VARIABLE: str(self._threads)}

    def _options(self, attempts: int) -> dict[str, Any]:
        """Ray's options for a task."""
        bundle = self._machines.bundle
        found = {"num_cpus": bundle["CPU"], "num_gpus": bundle.get("GPU", 0), "max_retries": attempts - 1}
        return found | ({"scheduling_strategy": PlacementGroupSchedulingStrategy(self._room)} if self._room else {})

    def _done(self, unit: UnitT, found: Any, attempts: int) -> Done[UnitT, Any]:
        """A unit by what `_fetched` has of its task."""
        if isinstance(found, OutOfMemoryError):
            hint = f"{VARIABLE}=N gives each run N cores, so that fewer run at a time"
            error = GreycardError("the machine had too little memory for it", hint=hint)
            return Done(unit, None, error, lost=self._room is not None)  # a group begins again, perhaps with fewer
        if isinstance(found, RayTaskError) and not isinstance(found, TaskCancelledError):  # before the function began
            return Done(unit, None, GreycardError(_last_line(found), hint="see Ray's log on that machine"))
        if isinstance(found, RayError):
            return _lost(unit, attempts, found)
        result, error, address = found
        return Done(unit, result, error, address if self._names_places else "")


def _run(
    function: Callable[..., Any], unit: Any, environment: dict[str, str], expected: dict[str, str], *common: Any
) -> Any:
    """On the machine of a task: the function's result, its error, and the machine's address."""
    os.environ.update(environment)
    address = ray.util.get_node_ip_address()
    try:
        expect_equal(expected, facts(), address)  # the machine may have joined after the sweep began
        with _interrupts():
            return function(unit, *common), None, address
    except GreycardError as error:
        return None, error, address
    except Exception as error:
        message = f"Greycard failed: {type(error).__name__}: {error}"
        return None, GreycardError(message, hint="--debug shows where, without --on and --workers"), address


def _sent(send: Callable[..., Any], *arguments: Any) -> Any:
    """The reference of a new task or object.

    Raises:
        GreycardError: an argument, such as a dataset that was made in Python, cannot be pickled.
    """
    try:
        return send(*arguments)
    except TypeError as error:
        raise GreycardError(
            f"the work cannot be sent to other processes: {_last_line(error.__cause__ or error)}",
            hint="leave out --workers and --on, to work in this process",
        ) from error


def _fetched(reference: Any) -> Any:
    """What a task returned, or Ray's error; a signal of its machine cancels a task, and Ray repeats no such task."""
    try:
        return ray.get(reference)
    except RayError as failure:
        return failure


def _lost(unit: UnitT, attempts: int, failure: Exception) -> Done[UnitT, Any]:
    """A unit whose process has ended again and again."""
    why = f"its process ended {attempts} times: {_last_line(failure)}"
    return Done(unit, None, GreycardError(why, hint="the same command tries it again"), lost=True)


@contextmanager
def _interrupts() -> Iterator[None]:
    """Within the block Ray's request to cancel is a KeyboardInterrupt, as everywhere in Python."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _facts(environment: dict[str, str]) -> dict[str, str]:
    os.environ.update(environment)
    return facts()


def _threads(where: Where) -> int:
    """Cores of each run: those that the user asks for; else a part of this machine, or one of a cluster."""
    found = thread_count()
    if found.reason == REQUESTED:
        return found.count
    return max(1, found.count // where.processes) if where.kind == PROCESSES else 1


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
