"""Commands in their own processes: never two of one kind, and what they say when they fail."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from greycard.deploy.serve.limits import RefusedError
from greycard.studio.processes import Command


def _end(command: Command) -> None:
    deadline = time.monotonic() + 60
    while command.is_running:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_of_many_requests_at_once_one_starts_a_process(tmp_path: Path) -> None:
    command, together = Command(tmp_path, "version"), Barrier(8)

    def start(_: int) -> int:
        together.wait()
        try:
            command.start(["--version"], "it")
        except RefusedError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(start, range(8))) == [200, *[409] * 7]
    _end(command)
    assert command.progress().state == "finished"


def test_while_one_request_prepares_a_process_another_is_refused(tmp_path: Path) -> None:
    command = Command(tmp_path, "version")
    with command.starting("the export"), pytest.raises(RefusedError, match="the export is running already"):
        command.start(["--version"], "the export")
    with pytest.raises(OSError, match="full"), command.starting("the export"):
        raise OSError("full")
    command.start(["--version"], "the export")
    _end(command)
