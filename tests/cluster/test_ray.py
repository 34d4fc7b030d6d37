"""Sweeps on a real Ray: the numbers of one process, and nothing lost or done twice when processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

import greycard
from conftest import make_folder
from greycard.cluster.units import LOG
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.sweep import SweepRecord
from processes import Nodes, ended, nodes, ray_workers, start, wait

pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_is_left")]

HEAD, OTHER = "127.0.0.3", "127.0.0.2"
SWEEP = (
    "digits-cnn", "--epochs", "20", "--vary", "learning_rate=0.003,0.001", "--seeds", "0-1", "--halve-from", "10",
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
    assert ended(_start(out, "--on", "here"))[0] == 0
    return SweepRecord(out / "digits-cnn-sweep")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A cluster of two nodes."""
    with nodes(HEAD, OTHER) as found:
        yield found


def _start(out: Path, *words: str) -> subprocess.Popen[str]:
    return start("sweep", *SWEEP, "--out", out, *words, GREYCARD_THREADS="1")


def _epochs(out: Path) -> int:
    """Epochs of all runs together."""
    return sum(len(RunRecord(path).history) for path in find_runs(out / "digits-cnn-sweep"))


def _begun(out: Path) -> int:
    """Runs with an epoch."""
    return sum(bool(RunRecord(path).history) for path in find_runs(out / "digits-cnn-sweep"))


def test_ctrl_c_then_a_killed_worker_then_a_lost_node_change_nothing(
    here: SweepRecord, cluster: Nodes, tmp_path: Path
) -> None:
    """The same command continues, also on two nodes."""
    process = _start(tmp_path, "--on", "processes:2")
    # Long before a task ends: Ray 2.60 may abort if a task ends while it is cancelled.
    wait(lambda: len(ray_workers(process.pid)) == 2 and _begun(tmp_path) >= 2, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130
    assert "0 of 4 runs are finished" in err
    assert "hint: the same command continues it" in err
    assert not psutil.wait_procs(children, timeout=20)[1]  # nothing of the private Ray is left
    record, before = SweepRecord(tmp_path / "digits-cnn-sweep"), _epochs(tmp_path)
    begun = [run for unit in record.plan.units if (run := record.run_of(unit)) is not None]
    assert len([run for run in begun if list((run.path / "checkpoint").glob("*.checkpoint"))]) >= 2

    process = _start(tmp_path, "--on", cluster.address)
    wait(lambda: len(ray_workers()) == 2 and _epochs(tmp_path) > before, process)
    killed = ray_workers()[0]
    killed.kill()
    wait(lambda: len(ray_workers()) == 2 and killed not in ray_workers(), process)
    held = ray_workers()
    for each in held:
        each.suspend()  # so that the other node does not end the work before Ray has noticed
    with cluster.without(OTHER):
        time.sleep(2)  # the sweep looks once a second
        for each in held:
            with suppress(psutil.NoSuchProcess):
                each.resume()
        code, _, err = ended(process)
    assert code == 0
    assert_same(here, record)
    lost = [line for line in err.splitlines() if OTHER in line and "was lost" in line]
    assert len(lost) == 1
    assert f"on {HEAD}: " in err
    assert not any(word in err for word in ("Traceback", "epoch  1/20"))  # a run's lines are in its log
    for unit in record.plan.units:
        run = record.run_of(unit)
        assert run is not None
        assert "epoch  1/20" in (run.path / LOG).read_text()


def test_vectors_of_two_nodes_are_those_of_one_process(here: SweepRecord, cluster: Nodes, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")
    from pyarrow import parquet

    run, images = here.runs[0], make_folder(tmp_path / "images", ("a",), ("dark", "light"), 12)
    words = ("embed", run.path, images, "--answers", tmp_path / "parts", "--shard", "6", "--on", cluster.address)
    code, out, _ = ended(start(*words))
    assert code == 0
    assert "24 images in 4 parts" in out
    whole = greycard.embed(run.path, images, tmp_path / "all.parquet", quiet=True).place
    rows = [row for part in sorted((tmp_path / "parts").glob("part-*")) for row in parquet.read_table(part).to_pylist()]
    expected = parquet.read_table(whole).to_pylist()
    assert [Path(row["path"]) for row in rows] == [Path(row["path"]) for row in expected]
    for one, other in zip(rows, expected, strict=True):
        assert one["embedding"] == pytest.approx(other["embedding"], abs=1e-4)


def test_shares_train_each_run_once(here: SweepRecord, tmp_path: Path) -> None:
    """Three processes, no Ray; one is killed, and the others take its run."""
    processes = [_start(tmp_path, "--share", f"{number}/3") for number in range(3)]
    wait(lambda: _epochs(tmp_path) >= 3, processes[0])
    processes[2].kill()
    processes[2].communicate()
    assert [ended(process)[0] for process in processes[:2]] == [0, 0]
    assert_same(here, SweepRecord(tmp_path / "digits-cnn-sweep"))


def test_no_cluster_at_the_address_is_one_sentence(tmp_path: Path) -> None:
    begun = time.monotonic()
    code, _, err = ended(_start(tmp_path, "--on", "127.0.0.1:9"))
    assert (code, time.monotonic() - begun < 30) == (2, True)
    assert err.startswith("error: no Ray cluster answers at 127.0.0.1:9: Connection refused\nhint: `ray start --head`")
    assert len(err.strip().splitlines()) == 2
    assert not list(tmp_path.iterdir())
