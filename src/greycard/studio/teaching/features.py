"""The features of a folder's images, computed by a process that this one starts and ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

import numpy as np

from greycard.studio.processes import ENDED, end_of, environment, error_in
from greycard.studio.teaching.feature_file import FeatureFile, Source

_MODULE = "greycard.studio.teaching.feature_worker"


@dataclass(frozen=True)
class Status:
    """How far the process is.

    Attributes:
        state: `none`, `starting`, `ready` when it computes or has computed, or `failed`.
        error: what went wrong.
        network: the name of its network, when it is ready.
    """

    state: str
    error: str | None = None
    network: str | None = None


class Features:
    """Starts the process, and reads what it has computed.

    Args:
        root: the folder of images.
        state: the folder of the features and of the process's messages.
    """

    def __init__(self, root: Path, state: Path) -> None:
        self._root, self._state, self._lock = root, state, Lock()
        self._process: subprocess.Popen[str] | None = None
        self._network, self._file = "", FeatureFile(state / "features" / "none", 1)

    def start(self) -> None:
        """Start the process if it does not run."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self._state.mkdir(parents=True, exist_ok=True)
            self._network = ""
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", _MODULE, self._root, self._state],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(),
                )  # fmt: skip
            Thread(target=self._hear, args=(self._process,), daemon=True).start()

    def end(self) -> None:
        """End the process; the server is stopping."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.communicate()

    def status(self) -> Status:
        with self._lock:
            if self._process is None:
                return Status("none")
            if self._process.poll() is not None:
                return Status("failed", error_in(end_of(self._log)) or ENDED)
            return Status("ready", network=self._network) if self._network else Status("starting")

    def look_again(self) -> None:
        """There may be new images."""
        with self._lock:
            try:
                if self._process is not None and self._process.stdin is not None:
                    self._process.stdin.write("\n")
                    self._process.stdin.flush()
            except OSError:  # it has just ended; the next status says why
                pass

    def update(self) -> None:
        """Read what has been computed since the last time."""
        self._file.update()

    def __contains__(self, key: str) -> bool:
        return key in self._file

    def of(self, keys: Iterable[str]) -> np.ndarray:
        """The features of images that are here, float32 (n, features)."""
        return self._file.of(keys)

    @property
    def _log(self) -> Path:
        return self._state / "features.log"

    def _hear(self, process: subprocess.Popen[str]) -> None:
        """Wait for the process's first line."""
        assert process.stdout is not None
        line = process.stdout.readline()
        if line:
            source = Source(**json.loads(line))
            with self._lock:
                self._file, self._network = FeatureFile(Path(source.file), source.features), source.network
