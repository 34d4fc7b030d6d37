"""A real browser, headless, driven over its own debugging protocol: what a person does, and what it complains of."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_GIVEN = """{
const dataTransfer = new DataTransfer();
for (const [name, content] of %s) {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  dataTransfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
}
document.querySelector(%s).dispatchEvent(new %s);
}"""

_KEYS = {
    "Tab": ("Tab", 9, ""),
    " ": ("Space", 32, " "),
    "Enter": ("Enter", 13, "\r"),
    "Delete": ("Delete", 46, ""),
    "End": ("End", 35, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    **{str(digit): (f"Digit{digit}", 48 + digit, str(digit)) for digit in range(10)},
}
"""The codes, numbers and texts of keys that are not letters."""


class Page:
    """One page of the browser.

    Attributes:
        complaints: what was written to the console as an error, and exceptions nobody caught.
        requests: the addresses it asked for, but for those that are in the page itself (data, blob).
    """

    def __init__(self, connection: Any) -> None:
        self._connection, self._number = connection, 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.chosen: int | None = None
        for part in ("Page", "Runtime", "DOM", "Log", "Network"):
            self.call(f"{part}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=60))
            self._hear(message)
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]

    def _hear(self, message: dict[str, Any]) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown" or (method == "Runtime.consoleAPICalled" and told["type"] == "error"):
            self.complaints.append(str(told))
        if method == "Page.fileChooserOpened":
            self.chosen = told["backendNodeId"]
        if method == "Network.requestWillBeSent" and not told["request"]["url"].startswith(("data:", "blob:")):
            self.requests.append(told["request"]["url"])
        refused = "the server responded with a status of 4"  # a bad file's answer, which the page tells in words
        if method == "Log.entryAdded" and told["entry"]["level"] == "error" and refused not in told["entry"]["text"]:
            self.complaints.append(told["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page, or what its promise becomes."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, condition: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < deadline, f"{condition}: {self.run('document.body.innerText')} {self.complaints}"
            time.sleep(0.05)

    def reload(self) -> None:
        """Load the page again, until it is complete."""
        self.run("globalThis.beforeReload = true")
        self.call("Page.reload")
        loaded = False
        while not loaded:
            try:
                loaded = self.run("!globalThis.beforeReload && document.readyState === 'complete'")
            except AssertionError as error:  # the old page ended while it was asked
                if "navigated" not in str(error):
                    raise
            time.sleep(0.05)

    def drop(self, *files: Path, place: str = "#drop, #grid") -> None:
        """Drop files on the element of a selector."""
        self._give(files, place, 'DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true })')

    def paste(self, file: Path, place: str = "#drop, #grid") -> None:
        self._give([file], place, 'ClipboardEvent("paste", { clipboardData: dataTransfer, bubbles: true })')

    def _give(self, files: Sequence[Path], place: str, event: str) -> None:
        content = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
        self.run(_GIVEN % (json.dumps(content), json.dumps(place), event))

    def choose_by_keyboard(self, file: Path) -> None:
        """The space bar opens the focused input's dialog, and the dialog gives this file."""
        self.call("Page.setInterceptFileChooserDialog", enabled=True)
        self.chosen = None
        self.press(" ")
        deadline = time.monotonic() + 20
        while self.chosen is None:
            assert time.monotonic() < deadline, "no dialog was opened"
            self.run("0")
        self.call("DOM.setFileInputFiles", backendNodeId=self.chosen, files=[str(file)])

    def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key; the modifiers are 2 for Ctrl and 8 for Shift."""
        code, number, text = _KEYS[key] if key in _KEYS else (f"Key{key.upper()}", ord(key.upper()), key)
        same = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="" if modifiers else text, **same)
        self.call("Input.dispatchKeyEvent", type="keyUp", **same)

    def write(self, words: str) -> None:
        """Press the key of each letter, digit or space."""
        for letter in words:
            self.press(letter)

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def dark(self, on: bool) -> None:
        """Prefer dark colours, or light ones."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])


def expect_browser() -> str:
    """Chromium's path; the test is skipped where there is none, or no way to speak to it."""
    pytest.importorskip("websockets")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    return browser


@contextmanager
def opened_page(address: str, profile: Path, *options: str) -> Iterator[Page]:
    """The address in a headless Chromium, started with these options."""
    from websockets.sync.client import connect

    browser = expect_browser()
    words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
    with subprocess.Popen(
        [browser, *words, *options, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
    ) as it:
        try:
            with connect(_debugger(profile), max_size=None) as connection:
                page = Page(connection)
                page.call("Page.navigate", url=address)
                page.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")
                yield page
        finally:
            it.kill()


def _debugger(profile: Path) -> str:
    """The address of the first page's debugger."""
    import urllib.request

    port = profile / "DevToolsActivePort"
    deadline = time.monotonic() + 60
    while not (port.is_file() and port.read_text().count("\n")):
        assert time.monotonic() < deadline, "the browser does not start"
        time.sleep(0.1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json") as answer:
        return next(each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page")
