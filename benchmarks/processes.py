"""All processes of a command, wherever they were started from: their CPU time and memory.

Ray's workers are no children of the command that uses them, so a variable in their environment tells them.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_MARK = "GREYCARD_BENCHMARK"


@dataclass(frozen=True)
class Finished:
    """A command that has ended.

    Attributes:
        code: of its exit.
        seconds: from its start to its end.
        cpu_seconds: of all processes, as far as they were seen: sampled once a second.
        own_mb: the most memory of the command's own process, without files mapped into memory.
        worker_mb: the most of any other of its processes that runs Greycard's code; 0 if there is none.
        workers: how many processes ran Greycard's code for it.
    """

    code: int
    seconds: float
    cpu_seconds: float
    own_mb: float
    worker_mb: float
    workers: int


class Watched:
    """A running command.

    Args:
        words: the command line.
        cores: that it and all that it starts may run on; None for all.
    """

    def __init__(self, words: Sequence[str | Path], cores: set[int] | None = None) -> None:
        mark = uuid.uuid4().hex
        self._begun = time.perf_counter()
        variables = {**os.environ, _MARK: mark}
        bound = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores)))] if cores else []
        line = [*bound, *map(str, words)]
        self.process = subprocess.Popen(
            line, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self._watch = _Watch(mark, self.process.pid)

    def wait(self) -> Finished:
        """Wait for its end, and for the end of all of its processes."""
        _, said = self.process.communicate()
        code, seconds = self.process.returncode, time.perf_counter() - self._begun
        self._watch.end()
        if code > 0:
            raise RuntimeError(f"ended with {code}:\n{said[-3000:]}")
        workers = {pid: most for pid, most in self._watch.memory.items() if pid in self._watch.workers}
        own = self._watch.memory.get(self.process.pid, 0.0)
        return Finished(
            code, seconds, sum(self._watch.cpu.values()), own, max(workers.values(), default=0), len(workers)
        )


@dataclass
class _Watch:
    """Samples processes until told to end."""

    mark: str
    main: int
    cpu: dict[int, float] = field(default_factory=dict)
    memory: dict[int, float] = field(default_factory=dict)
    workers: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._known: dict[int, bool] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(1.0):
            for pid in psutil.pids():
                with suppress(psutil.Error, OSError, ValueError):
                    self._look(pid)

    def _look(self, pid: int) -> None:
        process = psutil.Process(pid)
        if pid not in self._known:
            self._known[pid] = process.environ().get(_MARK) == self.mark
        if not self._known[pid]:
            return
        times = process.cpu_times()
        self.cpu[pid] = times.user + times.system
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        own = sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024 / 1e6
        self.memory[pid] = max(own, self.memory.get(pid, 0.0))
        if pid != self.main and "ray::" in " ".join(process.cmdline()):
            self.workers.add(pid)
