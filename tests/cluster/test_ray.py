"""Sweeps on a real Ray: the numbers of one process, and nothing lost or done twice when processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import greycard
from greycard.cluster.units import LOG
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.sweep import SweepRecord

pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
pytestmark = pytest.mark.slow

HEAD, OTHER = "127.0.0.3", "127.0.0.2"
SWEEP = (
    "digits-cnn", "--epochs", "8", "--vary", "learning_rate=0.003,0.001", "--seeds", "0-1", "--halve-from", "4",
    "--set", "val_limit=100",
)  # fmt: skip
UNITS, SURVIVORS = 4, 2


def numbers(run: RunRecord | None) -> list[dict[str, Any]]:
    """The history without what is a time."""
    assert run is not None
    return [{key: value for key, value in epoch.to_json().items() if "seconds" not in key} for epoch in run.history]


def assert_same(one: SweepRecord, other: SweepRecord) -> None:
    """The same decisions and numbers, and each run once."""
    assert one.decisions == other.decisions
    assert (one.finished, other.finished) == (True, True)
    for unit in one.plan.units:
        assert numbers(one.run_of(unit)) == numbers(other.run_of(unit)), unit.label
    assert len(find_runs(one.path)) == len(find_runs(other.path)) == UNITS


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> SweepRecord:
    """The undisturbed sweep in one process."""
    out = tmp_path_factory.mktemp("here")
    assert _ended(_start(out, "--on", "here"))[0] == 0
    return SweepRecord(out / "digits-cnn-sweep")


@contextmanager
def nodes(*addresses: str) -> Iterator[tuple[Any, list[Any]]]:
    """A Ray cluster with one core on each address of this machine."""
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args={"node_ip_address": addresses[0], **small})
    try:
        yield cluster, [cluster.head_node, *(cluster.add_node(node_ip_address=each, **small) for each in addresses[1:])]
    finally:
        cluster.shutdown()


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster of two nodes."""
    with nodes(HEAD, OTHER) as (found, _):
        yield found.address


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


def _start(out: Path, *words: str) -> subprocess.Popen[str]:
    """The command line in a process group of its own, as a shell starts it."""
    environment = {**os.environ, "GREYCARD_THREADS": "1", "PYTHONPATH": str(Path(greycard.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-m", "greycard", "sweep", *SWEEP, "--out", str(out), *words],
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
    _, err = process.communicate(timeout=240)
    print(err)
    return process.returncode, err


def _wait(what: Callable[[], object], process: subprocess.Popen[str], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, _ended(process)
        assert time.monotonic() < until
        time.sleep(0.05)


def _epochs(out: Path) -> int:
    """Epochs of all runs together."""
    return sum(len(RunRecord(path).history) for path in find_runs(out / "digits-cnn-sweep"))


def _workers() -> list[psutil.Process]:
    """Ray's processes that run a unit now, of all clusters that this process has started."""
    found = []
    for each in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if each.cmdline()[:1] == ["ray::_run"]:
                found.append(each)
    return found


def test_two_nodes_train_the_numbers_of_one_process(here: SweepRecord, cluster: str, tmp_path: Path) -> None:
    code, err = _ended(_start(tmp_path, "--on", cluster))
    assert code == 0
    assert_same(here, found := SweepRecord(tmp_path / "digits-cnn-sweep"))
    assert f"on {HEAD}: " in err
    assert f"on {OTHER}: " in err
    for unit in found.plan.units:
        run = found.run_of(unit)
        assert run is not None
        assert "epoch 1/8" in (run.path / LOG).read_text()
    assert "epoch 1/8" not in err  # nothing interleaves


def test_a_worker_that_is_killed_changes_nothing(here: SweepRecord, cluster: str, tmp_path: Path) -> None:
    process = _start(tmp_path, "--on", cluster)
    _wait(lambda: len(_workers()) == 2 and _epochs(tmp_path) >= 2, process)
    _workers()[0].kill()
    assert _ended(process)[0] == 0
    assert_same(here, SweepRecord(tmp_path / "digits-cnn-sweep"))


def test_a_driver_that_is_killed_is_continued_by_the_same_command(
    here: SweepRecord, cluster: str, tmp_path: Path
) -> None:
    process = _start(tmp_path, "--on", cluster)
    _wait(lambda: _epochs(tmp_path) >= 6, process)
    process.kill()
    process.communicate()
    assert not SweepRecord(tmp_path / "digits-cnn-sweep").finished
    assert _ended(_start(tmp_path, "--on", cluster))[0] == 0
    assert_same(here, SweepRecord(tmp_path / "digits-cnn-sweep"))


def test_a_node_that_is_lost_is_one_line(here: SweepRecord, tmp_path: Path) -> None:
    with nodes("127.0.0.4", "127.0.0.5") as (found, (_, other)):
        process = _start(tmp_path, "--on", found.address)
        _wait(lambda: len(_workers()) == 2 and _epochs(tmp_path) >= 2, process)
        held = _workers()
        for each in held:
            each.suspend()  # so that the others do not end the work before Ray has noticed
        found.remove_node(other, allow_graceful=False)
        found.wait_for_nodes(60)
        time.sleep(2)  # the sweep looks once a second
        for each in held:
            with suppress(psutil.NoSuchProcess):
                each.resume()
        code, err = _ended(process)
    assert code == 0
    assert_same(here, SweepRecord(tmp_path / "digits-cnn-sweep"))
    lost = [line for line in err.splitlines() if "127.0.0.5" in line and "was lost" in line]
    assert len(lost) == 1
    assert "Traceback" not in err


def test_ctrl_c_leaves_runs_that_continue(here: SweepRecord, tmp_path: Path) -> None:
    process = _start(tmp_path, "--on", "processes:2")
    _wait(lambda: len(_workers()) == 2 and _epochs(tmp_path) >= 2, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    code, err = _ended(process)
    assert code == 130
    assert "0 of 4 runs are finished" in err
    assert "hint: the same command continues it" in err
    assert not psutil.wait_procs(children, timeout=20)[1]  # nothing of the private Ray is left
    record = SweepRecord(tmp_path / "digits-cnn-sweep")
    begun = [run for unit in record.plan.units if (run := record.run_of(unit)) is not None]
    assert len([run for run in begun if list((run.path / "checkpoint").glob("*.checkpoint"))]) >= 2
    code, err = _ended(_start(tmp_path, "--on", "processes:2"))
    assert code == 0
    assert_same(here, record)


def test_shares_train_each_run_once(here: SweepRecord, tmp_path: Path) -> None:
    """Three processes, no Ray; one is killed, and the others take its run."""
    processes = [_start(tmp_path, "--share", f"{number}/3") for number in range(3)]
    _wait(lambda: _epochs(tmp_path) >= 3, processes[0])
    processes[2].kill()
    processes[2].communicate()
    assert [_ended(process)[0] for process in processes[:2]] == [0, 0]
    assert_same(here, SweepRecord(tmp_path / "digits-cnn-sweep"))


def test_no_cluster_at_the_address_is_one_sentence(tmp_path: Path) -> None:
    begun = time.monotonic()
    code, err = _ended(_start(tmp_path, "--on", "127.0.0.1:9"))
    assert (code, time.monotonic() - begun < 30) == (2, True)
    assert err.startswith("error: no Ray cluster answers at 127.0.0.1:9: Connection refused\nhint: `ray start --head`")
    assert len(err.strip().splitlines()) == 2
    assert not list(tmp_path.iterdir())
