"""One server for a folder: a second one is refused, and one that was killed holds nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def _server(folder: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "greycard", "studio", str(folder), "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, text=True, cwd=folder.parent, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


@pytest.mark.slow
def test_a_second_server_on_a_folder_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    pets = tmp_path / "pets"
    with _server(pets) as first:
        assert "open http://127.0.0.1" in _first_line(first)
        with _server(pets) as second:
            out, errors = second.communicate(timeout=60)
        assert (second.returncode, out) == (2, "")
        assert f"error: another greycard studio serves {pets}" in errors
        assert "hint: use its page, or stop it with Ctrl-C first" in errors
        with _server(tmp_path / "others") as other:
            assert "open http://127.0.0.1" in _first_line(other)
        first.kill()
    with _server(pets) as third:
        assert "open http://127.0.0.1" in _first_line(third)


def test_a_folder_that_cannot_be_shown_gets_no_lock(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for name in ("a", "b"):
            (tmp_path / part / name).mkdir(parents=True)
            (tmp_path / part / name / "x.png").touch()
    with _server(tmp_path) as server:
        assert "is already split" in server.communicate(timeout=60)[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "val"]
