"""Commands in processes of their own, as a shell starts them, and Ray clusters of several nodes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import greycard

_STARTED: list[subprocess.Popen[str]] = []

_SMALL: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """A test that fails leaves no process."""
    yield
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def start(*words: str | Path, **environment: str) -> subprocess.Popen[str]:
    """The command line in a process group of its own."""
    return start_python("-m", "greycard", *map(str, words), **environment)


def start_python(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Python in a process group of its own; Greycard chooses the threads, unless `environment` has their number."""
    inherited = {name: value for name, value in os.environ.items() if name != "GREYCARD_THREADS"}
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inherited | {"PYTHONPATH": str(Path(greycard.__file__).parents[1])} | environment,
        start_new_session=True,
    )
    _STARTED.append(process)
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The exit code, stdout and stderr, which are shown if a test fails."""
    out, err = process.communicate(timeout=240)
    print(out, err)
    return process.returncode, out, err


def wait(what: Callable[[], object], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait until something has happened, while a process runs."""
    until = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, ended(process)
        assert time.monotonic() < until
        time.sleep(0.02)


def ray_workers(of: int | None = None) -> list[psutil.Process]:
    """The processes of Ray that run a unit now, below a process; by default below this one."""
    found = []
    for each in psutil.Process(of).children(recursive=True):
        with suppress(psutil.Error):
            if each.cmdline()[:1] == ["ray::_run"]:
                found.append(each)
    return found


class Nodes:
    """A Ray cluster with one core on each address of this machine.

    Attributes:
        address: of its head.
    """

    def __init__(self, *addresses: str) -> None:
        from ray.cluster_utils import Cluster

        # A node that is killed is noticed within some seconds; by default it may take half a minute.
        quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 5}
        self._cluster = Cluster(
            initialize_head=True, head_node_args={"node_ip_address": addresses[0], "_system_config": quick, **_SMALL}
        )
        self.address = self._cluster.address
        self._others = {each: self._added(each) for each in addresses[1:]}

    @contextmanager
    def without(self, address: str) -> Iterator[None]:
        """Within the block a node is lost, as by a power cut, and the others know it; afterwards there is a new one."""
        self._cluster.remove_node(self._others.pop(address), allow_graceful=False)
        self._cluster.wait_for_nodes(60)
        yield
        self._others[address] = self._added(address)

    def end(self) -> None:
        self._cluster.shutdown()

    def _added(self, address: str) -> Any:
        return self._cluster.add_node(node_ip_address=address, **_SMALL)


@contextmanager
def nodes(*addresses: str) -> Iterator[Nodes]:
    """A cluster within the block."""
    found = Nodes(*addresses)
    try:
        yield found
    finally:
        found.end()
