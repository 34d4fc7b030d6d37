"""Several workers train one run: what is refused without them, and on a real Ray the bits of one worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import greycard
from greycard.runs.record import RunRecord, find_runs

REFUSED = {
    "train pets --workers 3": "error: the number of workers must be a power of two. Received: 3\nhint: --workers 4\n",
    "train pets --on processes:2": "error: --on processes:2 says where workers train, not how many\n",
    "train pets --minutes 5 --workers 2": "error: --minutes tries recipes one after the other, each with one worker\n",
    "run digits-cnn --workers 2 --seeds 0-1": "error: --workers share one run, and --seeds trains several\n",
    "run digits-cnn --set parts=3": "error: parts must be a power of two from 1 to 1024. Received: 3\n",
    "resume digits-cnn-1 --workers 0": "error: the number of workers must be a power of two. Received: 0\n",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_work_is_one_sentence(words: str, cli: Callable[..., Any]) -> None:
    done = cli(*words.split())
    assert done.code == 2
    assert done.err.startswith(REFUSED[words])
    assert "\nhint: " in done.err
    assert not Path("runs").exists()


def test_more_workers_than_processes_are_refused(cli: Callable[..., Any]) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    done = cli("run", "digits-cnn", "--workers", "4", "--on", "processes:2")
    assert done.err == ("error: 4 workers need as many processes. Received: --on processes:2\nhint: --on processes:4\n")


RESNET = (
    "digits-cnn", "--epochs", "3", "--set", "model.kind=resnet", "--set", "model.width=4", "--set", "blocks=1",
    "--set", "model.dropout=0.2", "--set", "optimizer=adam", "--set", "ema=0.9", "--set", "val_limit=100",
    "--set", "parts=4",
)  # fmt: skip
"""Dropout, batch norm, Adam and averaged weights."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """The run of one worker, without Ray."""
    out = tmp_path_factory.mktemp("alone")
    assert _ended(_start("run", *RESNET, "--workers", "1", "--out", str(out)))[0] == 0
    return _run_in(out)


_STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """A test that fails leaves no process."""
    yield
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def _start(*words: str) -> subprocess.Popen[str]:
    """The command line in a process group of its own, as a shell starts it; with one thread for each worker."""
    environment = {**os.environ, "PYTHONPATH": str(Path(greycard.__file__).parents[1])}
    environment.pop("GREYCARD_THREADS", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "greycard", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    _STARTED.append(process)
    return process


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and stderr, which is shown if a test fails."""
    out, err = process.communicate(timeout=240)
    print(out, err)
    assert "raylet" not in out
    return process.returncode, err


def _wait_for_epoch(out: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not any(RunRecord(path).history for path in find_runs(out)):
        assert process.poll() is None, _ended(process)
        assert time.monotonic() < until
        time.sleep(0.02)


def _workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes that train now."""
    found = []
    for each in psutil.Process(process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if each.cmdline()[:1] == ["ray::_run"]:
                found.append(each)
    return found


def _run_in(out: Path) -> RunRecord:
    (found,) = find_runs(out)
    return RunRecord(found)


def assert_same(one: RunRecord, other: RunRecord) -> None:
    """Number for number: history, predictions, weights."""
    histories = (
        [{key: value for key, value in epoch.to_json().items() if "seconds" not in key} for epoch in run.history]
        for run in (one, other)
    )
    assert next(histories) == next(histories)
    assert np.array_equal(one.predictions["probabilities"], other.predictions["probabilities"])
    models = (greycard.open_run(run.path).model for run in (one, other))
    assert all(map(np.array_equal, next(models).get_weights(), next(models).get_weights()))


@pytest.mark.slow
def test_two_workers_train_the_bits_of_one_also_if_one_is_killed(alone: RunRecord, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    process = _start("run", *RESNET, "--workers", "2", "--out", str(tmp_path))
    _wait_for_epoch(tmp_path, process)
    first, _ = _workers(process)
    first.kill()
    code, err = _ended(process)
    assert code == 0
    assert_same(alone, found := _run_in(tmp_path))
    assert found.recipe == alone.recipe
    assert "2 workers with 1 thread each" in err
    assert err.count("a worker was lost; 2 workers continue") == 1
    assert "epoch 3/3" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_the_worker_that_is_left_continues_when_a_machine_is_lost(alone: RunRecord, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"node_ip_address": "127.0.0.6", **small})
    try:
        other = cluster.add_node(node_ip_address="127.0.0.7", **small)
        process = _start("run", *RESNET, "--workers", "2", "--on", cluster.address, "--out", str(tmp_path))
        _wait_for_epoch(tmp_path, process)
        cluster.remove_node(other, allow_graceful=False)
        code, err = _ended(process)
    finally:
        cluster.shutdown()
    assert code == 0
    assert_same(alone, _run_in(tmp_path))
    assert "a worker was lost; 1 worker continues" in err


@pytest.mark.slow
def test_one_worker_continues_what_two_began(alone: RunRecord, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    process = _start("run", *RESNET, "--workers", "2", "--out", str(tmp_path))
    _wait_for_epoch(tmp_path, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    code, err = _ended(process)
    assert code == 130
    run = _run_in(tmp_path)
    assert f"interrupted; {run.path} is saved, " in err
    assert f"hint: `greycard resume {run.path} --workers 2` continues it" in err
    assert not psutil.wait_procs(children, timeout=20)[1]
    assert _ended(_start("resume", str(run.path), "--workers", "1"))[0] == 0
    assert_same(alone, RunRecord(run.path))
