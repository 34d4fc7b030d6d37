"""A real browser, headless, driven over its own debugging protocol: what a person does, and what it complains of."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_DROP = """{
const bytes = Uint8Array.from(atob(%s), (letter) => letter.charCodeAt(0));
const dataTransfer = new DataTransfer();
dataTransfer.items.add(new File([bytes], %s, { type: "image/jpeg" }));
document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


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
        if method == "Network.requestWillBeSent" and not told["request"]["url"].startswith(("data:", "blob:")):
            self.requests.append(told["request"]["url"])
        refused = "the server responded with a status of 422"  # a bad file's answer, which the page tells in words
        if method == "Log.entryAdded" and told["entry"]["level"] == "error" and refused not in told["entry"]["text"]:
            self.complaints.append(told["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, condition: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < deadline, f"{condition}: {self.run('document.body.innerText')} {self.complaints}"
            time.sleep(0.05)

    def drop(self, file: Path) -> None:
        content = base64.b64encode(file.read_bytes()).decode()
        self.run(_DROP % (json.dumps(content), json.dumps(file.name)))

    def choose(self, selector: str, file: Path) -> None:
        """A file in a file input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def press_tab(self) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def resize(self, width: int, height: int) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

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
def opened_page(address: str, profile: Path) -> Iterator[Page]:
    """The address in a headless Chromium."""
    from websockets.sync.client import connect

    browser = expect_browser()
    words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
    with subprocess.Popen(
        [browser, *words, f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
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
