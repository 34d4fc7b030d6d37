"""Studio's page in a real browser: the command itself, and what its tests share."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from browser import Page, expect_browser

CTRL, SHIFT = 2, 8


@contextmanager
def studio(root: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command itself on a free port; the address it prints."""
    expect_browser()
    words = [sys.executable, "-m", "greycard", "studio", str(root), "--port", "0", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root.parent) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().rpartition(" ")[2].strip(), process
        finally:
            process.kill()


def wait_for_counts(page: Page, expected: dict[str, Any]) -> None:
    words = json.dumps({name: f"{number:,}" for name, number in expected.items()})
    pairs = "Object.fromEntries([...document.querySelectorAll('#classes button')].map((each) =>"
    pairs += " [each.querySelector('span').textContent, each.querySelector('small').textContent]))"
    page.wait_for(f"JSON.stringify({pairs}) === JSON.stringify({words})")
