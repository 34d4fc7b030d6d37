"""A model to try: `greycard serve RUN` in a process of its own, reachable by this server only."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from greycard.deploy.serve.limits import Limits, RefusedError
from greycard.deploy.serve.questions import MOST_CLASSES
from greycard.studio.processes import ENDED, end_bound, end_of, environment, error_in

_LIMITS = Limits()


@dataclass(frozen=True)
class TrialStatus:
    """The state of the model to try.

    Attributes:
        state: `none`, `running` while the model is loaded, `ready` or `failed`.
        run: its name.
        error: why it failed.
    """

    state: str
    run: str | None = None
    error: str | None = None


class Trial:
    """At most one model at a time. Its methods may be called from several threads.

    Args:
        log: a file for what the process writes for people.
    """

    def __init__(self, log: Path) -> None:
        self._log, self._lock = log, Lock()
        self._served: _Served | None = None

    def start(self, run: Path) -> None:
        """Load a run's model, unless it is loaded already; another run's model ends."""
        with self._lock:
            if self._served and self._served.run == run and self._served.is_alive:
                return
            if self._served:
                self._served.end()
            self._served = _Served(run, self._log)

    def status(self) -> TrialStatus:
        served = self._served
        if served is None:
            return TrialStatus("none")
        if not served.is_alive:
            return TrialStatus("failed", served.run.name, served.error())
        return TrialStatus("ready" if served.port else "running", served.run.name)

    def ask(self, run: str, image: bytes, *, heat: bool) -> dict[str, Any]:
        """The model's answer for an image: class, probability, probabilities, and a heat map as a data URL.

        Raises:
            RefusedError: the model is not ready, or it refuses the image.
        """
        served, status = self._served, self.status()
        if served is None or status.state != "ready" or status.run != run:
            raise RefusedError(409, status.error or f"the model of {run[:80]} is not loaded")
        if len(image) > _LIMITS.body_bytes:
            raise RefusedError(413, f"the image is too large; expected at most {_LIMITS.body_bytes / 1e6:.0f} MB")
        try:
            return served.ask(image, heat=heat)
        except OSError as error:
            raise RefusedError(503, f"the model does not answer: {error}") from error

    def end(self) -> None:
        """End the process; the server is stopping."""
        with self._lock:
            if self._served:
                self._served.end()
            self._served = None


class _Served:
    """One process. It ends when its stdin is closed, so also if this process is killed."""

    def __init__(self, run: Path, log: Path) -> None:
        self.run, self.port, self._log, self._token = run, 0, log, secrets.token_urlsafe(24)
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "greycard.studio.bound", "serve", str(run), "--port", "0"]
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(GREYCARD_TOKEN=self._token),
                start_new_session=True,
            )
        Thread(target=self._read_port, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def error(self) -> str:
        """Why it ended."""
        return error_in(end_of(self._log)) or ENDED

    def ask(self, image: bytes, *, heat: bool) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LIMITS.work_seconds + 5)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/octet-stream"}
        try:
            query = f"top={MOST_CLASSES}&heat={'true' if heat else 'false'}"
            connection.request("POST", f"/api/predict?{query}", image, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        except (http.client.HTTPException, ValueError) as error:
            raise RefusedError(503, f"the model does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise RefusedError(answer.status, content["error"])
        return dict(content["images"][0]["answers"][0])

    def end(self) -> None:
        end_bound(self._process)

    def _read_port(self) -> None:
        """The command prints its address when it is ready; what follows is read so that the pipe stays empty."""
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                if b"http://" in line:
                    self.port = urlsplit(line.decode().rpartition(" ")[2].strip()).port or 0
