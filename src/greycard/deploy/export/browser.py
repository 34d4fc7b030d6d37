"""A headless Chromium, driven over its own debugging protocol through a pair of pipes: it runs an exported page."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
import weakref
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_ON_A_MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_OPTIONS = ("--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run", "--disable-extensions")
_READS, _WRITES = 3, 4
"""The numbers of the pipes' ends in the browser's process."""

_ABOVE = 10
_START_SECONDS = 60.0
_ANSWER_SECONDS = 600.0


class BrowserError(Exception):
    """The browser does not start, ends, or does not answer; the message says what."""


def find_browser() -> str | None:
    """The path of an installed Chromium, Chrome or Edge; None without one."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    return found or next((path for path in _ON_A_MAC if Path(path).is_file()), None)


class BrowserPage:
    """A local page in a browser, which ends when this object is closed or no longer used.

    Args:
        browser: its path.
        page: the HTML file.

    Raises:
        BrowserError: the browser does not start.
    """

    def __init__(self, browser: str, page: Path) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="greycard-browser-", ignore_cleanup_errors=True)
        self._process, self._to, self._from = _started(browser, self._profile.name)
        self.close = weakref.finalize(self, _end, self._process, (self._to, self._from), self._profile)
        self._received, self._number, self._session = bytearray(), 0, ""
        try:
            target = self._call("Target.createTarget", _START_SECONDS, url=page.resolve().as_uri())["targetId"]
            attached = self._call("Target.attachToTarget", _START_SECONDS, targetId=target, flatten=True)
        except BrowserError:
            self.close()
            raise
        self._session = attached["sessionId"]

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, or what its promise becomes; it must fit into JSON.

        Raises:
            BrowserError: the expression fails, or the browser ends.
        """
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        found = self._call("Runtime.evaluate", _ANSWER_SECONDS, **options)
        if "exceptionDetails" in found:
            thrown = found["exceptionDetails"].get("exception", {})
            raise BrowserError(str(thrown.get("description", found["exceptionDetails"].get("text"))).splitlines()[0])
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true in the page; BrowserError if that takes too long."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.value(expression):
            if time.monotonic() > deadline:
                raise BrowserError("the page does not start")
            time.sleep(0.02)

    @property
    def version(self) -> str:
        """The browser's name and version."""
        return str(self._call("Browser.getVersion", _START_SECONDS)["product"])

    def _call(self, method: str, seconds: float, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        _write_all(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while (answer := self._message(deadline)).get("id") != self._number:
            pass
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def _message(self, deadline: float) -> dict[str, Any]:
        """The next message of the browser; messages end with a zero byte."""
        while (end := self._received.find(b"\0")) < 0:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise BrowserError("the browser does not answer")
            content = os.read(self._from, 1 << 20)
            if not content:
                raise BrowserError("the browser ended")
            self._received += content
        message = bytes(self._received[:end])
        del self._received[: end + 1]
        return json.loads(message)


def _started(browser: str, profile: str) -> tuple[int, int, int]:
    """The browser's process, and the ends of the pipes to write to it and to read from it."""
    its_input, to = os.pipe()
    read, its_output = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for end in (its_input, its_output)]  # not 3 or 4
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    pipes = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(high, (_READS, _WRITES), strict=True)]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root, and the page is our own
    words = [browser, *_OPTIONS, *sandbox, f"--user-data-dir={profile}", "about:blank"]
    try:
        process = os.posix_spawn(browser, words, dict(os.environ), file_actions=[*quiet, *pipes])
    except OSError as error:
        os.close(to)
        os.close(read)
        raise BrowserError(f"{browser} cannot be started: {error.strerror}") from error
    finally:
        for end in (its_input, its_output, *high):
            os.close(end)
    return process, to, read


def _write_all(file: int, content: bytes) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(file, view) :]
    except BrokenPipeError as error:
        raise BrowserError("the browser ended") from error


def _end(process: int, files: tuple[int, ...], profile: tempfile.TemporaryDirectory[str]) -> None:
    """A browser whose pipes are closed ends by itself; kill it if it does not."""
    for file in files:
        os.close(file)
    deadline = time.monotonic() + 5
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                break
            time.sleep(0.02)
    profile.cleanup()
