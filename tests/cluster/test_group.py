"""Several workers train one run: what is refused without them, and on a real Ray the bits of one worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.runs.record import RunRecord, find_runs
from processes import Nodes, ended, nodes, ray_workers, start, start_python, wait

pytestmark = pytest.mark.usefixtures("nothing_is_left")

REFUSED = {
    "train pets --workers 3": "error: the number of workers must be a power of two. Received: 3\nhint: --workers 2\n",
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


def test_python_refuses_what_the_command_line_does() -> None:
    with pytest.raises(GreycardError, match=r"power of two\. Received: 3"):
        greycard.train("digits-cnn", workers=3)
    with pytest.raises(GreycardError, match="says where workers train, not how many"):
        greycard.resume("digits-cnn-1", on="processes:2")
    with pytest.raises(GreycardError, match="callbacks are called in this process"):
        greycard.train("digits-cnn", workers=2, callbacks=[print])
    assert not Path("runs").exists()


def test_more_workers_than_processes_are_refused(cli: Callable[..., Any]) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    done = cli("run", "digits-cnn", "--workers", "4", "--on", "processes:2")
    assert done.err == ("error: 4 workers need as many processes. Received: --on processes:2\nhint: --on processes:4\n")


CHANGES: dict[str, Any] = {
    "epochs": 5, "model.kind": "resnet", "width": 4, "blocks": 1, "model.dropout": 0.2, "optimizer": "adam", "ema": 0.9,
    "val_limit": 100, "parts": 4,
}  # fmt: skip
"""Dropout, batch norm, Adam and averaged weights."""

RESNET = ("digits-cnn", *(word for name, value in CHANGES.items() for word in ("--set", f"{name}={value}")))

HEAD, OTHER = "127.0.0.6", "127.0.0.7"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """The run of one worker, without Ray."""
    out = tmp_path_factory.mktemp("alone")
    assert ended(start("run", *RESNET, "--workers", "1", "--out", out))[0] == 0
    return _run_in(out)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """A cluster of two nodes."""
    with nodes(HEAD, OTHER) as found:
        yield found


def _epochs(out: Path) -> int:
    return sum(len(RunRecord(path).history) for path in find_runs(out))


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
def test_one_worker_continues_what_two_began_of_whom_one_was_killed(alone: RunRecord, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    process = start("run", *RESNET, "--workers", "2", "--out", tmp_path)
    wait(lambda: _epochs(tmp_path) >= 1, process)
    first, _ = ray_workers(process.pid)
    first.kill()
    wait(lambda: _epochs(tmp_path) >= 3, process)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    run = _run_in(tmp_path)
    assert run.recipe == alone.recipe
    assert "2 workers with 1 thread each" in err
    assert err.count("a worker was lost; 2 workers continue") == 1
    assert f"interrupted; {run.path} is saved, " in err
    assert f"hint: `greycard resume {run.path} --workers 2` continues it" in err
    assert not any(word in out + err for word in ("raylet", "Traceback"))
    assert not psutil.wait_procs(children, timeout=20)[1]
    assert ended(start("resume", run.path, "--workers", "1"))[0] == 0
    assert_same(alone, RunRecord(run.path))


@pytest.mark.slow
def test_the_worker_that_is_left_continues_when_a_machine_is_lost(
    alone: RunRecord, cluster: Nodes, tmp_path: Path
) -> None:
    """In Python, with the numbers of the command line."""
    where = {"workers": 2, "on": cluster.address, "out": str(tmp_path)}
    process = start_python("-c", f"import greycard; greycard.train('digits-cnn', **{where | CHANGES})")
    wait(lambda: _epochs(tmp_path) >= 1, process)
    with cluster.without(OTHER):
        code, _, err = ended(process)
    assert code == 0
    assert_same(alone, _run_in(tmp_path))
    assert "a worker was lost; 1 worker continues" in err


@pytest.mark.slow
def test_a_group_waits_until_the_cluster_has_room_for_all_of_it(
    alone: RunRecord, cluster: Nodes, tmp_path: Path
) -> None:
    """Two groups begin at the same time on a cluster with room for one; neither holds what the other needs."""
    words = ("run", *RESNET, "--workers", "2", "--on", cluster.address)
    both = [start(*words, "--out", tmp_path / name) for name in "ab"]
    said = [ended(process) for process in both]
    assert [code for code, _, _ in said] == [0, 0]
    assert sum("waiting for room for 2 workers" in err for _, _, err in said) == 1
    for name in "ab":
        assert_same(alone, _run_in(tmp_path / name))
    refused = ended(start("run", *RESNET, "--workers", "4", "--on", cluster.address, "--out", tmp_path))
    assert refused == (
        2,
        "",
        "error: 4 workers must run at the same time, and there is room for 2\n"
        "hint: use fewer --workers, or a smaller GREYCARD_THREADS\n",
    )
