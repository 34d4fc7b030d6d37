"""The room of a Ray cluster: how many tasks its machines can run at a time, and keeping it for those of a group."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ray
from ray.util.placement_group import PlacementGroup, placement_group, placement_group_table, remove_placement_group

from greycard.core.errors import GreycardError
from greycard.core.threads import VARIABLE

SECONDS_BETWEEN_LOOKS = 1.0
"""Between two looks at which machines are alive."""

_STRATEGY = "PACK"
"""On few machines: fewer can be lost, their processors are more likely equal, and others have whole machines left."""


class Machines:
    """The machines of the cluster that this process is connected to.

    Args:
        threads: CPU cores of a task.
        say: called with a sentence for each machine that is lost.

    Attributes:
        bundle: what a task takes, in Ray's words: its cores, and a GPU if the cluster has some.
        names: and addresses of the machines that are alive, by Ray's id, for messages.
        slots: how many tasks can run at a time.

    Raises:
        GreycardError: no machine has so many cores, and a GPU if the cluster has some.
    """

    def __init__(self, threads: int, say: Callable[[str], None]) -> None:
        gpus = {"GPU": 1} if ray.cluster_resources().get("GPU", 0) >= 1 else {}
        self.bundle, self._say = {"CPU": threads, **gpus}, say
        self.names, self._looked = _alive(), time.monotonic()
        self._expect_cores(threads)
        self.slots = self._counted_slots()
        if not self.slots:
            raise GreycardError(
                f"no machine of the cluster has {threads} cores and a GPU for one run",
                hint="begin machines whose cores have GPUs, or begin them all without GPUs",
            )

    def look(self) -> bool:
        """Count the machines about once a second; True if it has."""
        is_due = time.monotonic() - self._looked >= SECONDS_BETWEEN_LOOKS
        if is_due:
            self.count()
        return is_due

    def count(self) -> None:
        """Count the machines, which may come and go, and tell which ones were lost."""
        self._looked, now = time.monotonic(), _alive()
        for node in self.names.keys() - now.keys():
            self._say(f"{self.names[node]} was lost; its work continues elsewhere")
        if now.keys() != self.names.keys():
            self.names, self.slots = now, self._counted_slots()

    def _counted_slots(self) -> int:
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return sum(self._room(each) for each in machines)

    def _room(self, resources: dict[str, float]) -> int:
        """How many tasks can run at a time on a machine; none runs on two."""
        return min(int(resources.get(name, 0) // each) for name, each in self.bundle.items())

    def _expect_cores(self, threads: int) -> None:
        most = max((int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]), default=0)
        if most < threads:
            raise GreycardError(
                f"no machine of the cluster has {threads} cores for one run; the largest has {most}",
                hint=f"set {VARIABLE} to at most {most}" if most else "start nodes with CPU cores",
            )


@contextmanager
def reserved(bundle: dict[str, int], count: int) -> Iterator[PlacementGroup]:
    """Within the block the cluster keeps room for some tasks as soon as it has room for all of them.

    If each took its cores by itself, two groups could each hold a part of the room and wait for the other part.
    At the end Ray kills the tasks that still run there.

    Args:
        bundle: what each task takes.
        count: number of tasks.
    """
    room = placement_group([bundle] * count, _STRATEGY)
    try:
        yield room
    finally:
        remove_placement_group(room)


def is_reserved(room: PlacementGroup) -> bool:
    """Whether the room is there; this waits for it a second at most."""
    return room.wait(SECONDS_BETWEEN_LOOKS)


def is_whole(room: PlacementGroup) -> bool:
    """False if a machine with a part of the room was lost."""
    return placement_group_table(room).get("state") == "CREATED"


def _alive() -> dict[str, str]:
    nodes = (node for node in ray.nodes() if node["Alive"])
    return {node["NodeID"]: f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})" for node in nodes}
