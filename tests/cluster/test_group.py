"""Several workers train one run: what is refused without them, and on a real Ray the bits of one worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
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
    "train pets --workers 3000": "error: the number of workers must be a power of two. Received: 3000\n",
    "train pets --workers 2048": "error: at most 1024 workers can share a batch. Received: 2048\n",
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
    for wrong in ("2", 2.0, True):
        with pytest.raises(GreycardError, match="the number of workers is a whole number"):
            greycard.train("digits-cnn", workers=wrong)  # type: ignore[arg-type]
    with pytest.raises(GreycardError, match="on is text"):
        greycard.train("digits-cnn", workers=2, on=None)  # type: ignore[arg-type]
    assert not Path("runs").exists()


def test_more_workers_than_processes_are_refused(cli: Callable[..., Any]) -> None:
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
    done = cli("run", "digits-cnn", "--workers", "4", "--on", "processes:2")
    assert done.err == ("error: 4 workers need as many processes. Received: --on processes:2\nhint: --on processes:4\n")


CHANGES: dict[str, Any] = {
    "epochs": 12, "model.kind": "resnet", "width": 4, "blocks": 1, "model.dropout": 0.2, "optimizer": "adam",
    "ema": 0.9, "val_limit": 100, "parts": 4,
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
    pytest.importorskip("ray", reason="needs Ray (the extra `ray`)")
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
def test_a_killed_worker_then_a_lost_machine_then_ctrl_c_change_nothing(
    alone: RunRecord, cluster: Nodes, tmp_path: Path
) -> None:
    process = start("run", *RESNET, "--workers", "2", "--on", cluster.address, "--out", tmp_path)
    wait(lambda: _epochs(tmp_path) >= 1, process)
    killed = ray_workers()[0]
    killed.kill()
    wait(lambda: len(ray_workers()) == 2 and killed not in ray_workers() and _epochs(tmp_path) >= 4, process)
    with cluster.without(OTHER):
        before = _epochs(tmp_path)
        wait(lambda: _epochs(tmp_path) > before, process)
        os.killpg(process.pid, signal.SIGINT)
        code, out, err = ended(process)
    assert code == 130
    run = _run_in(tmp_path)
    assert run.recipe == alone.recipe
    assert "2 workers with 1 thread each" in err
    assert err.count("a worker was lost; 2 workers continue") == 1
    assert err.count("a worker was lost; 1 worker continues") == 1
    assert f"interrupted; {run.path} is saved, " in err
    assert f"hint: `greycard resume {run.path} --workers 1` continues it" in err
    assert not any(word in out + err for word in ("raylet", "Traceback"))
    assert ended(start("resume", run.path, "--workers", "1"))[0] == 0
    assert_same(alone, RunRecord(run.path))


LARGE = """
import numpy as np, greycard
from greycard.datasets.dataset import Dataset, Split

def split(count):
    labels = np.arange(count) % 2
    images = np.full((count, 32, 32, 3), 90, np.uint8) + (80 * labels).astype(np.uint8)[:, None, None, None]
    return Split(tuple(f"{count}-{row}" for row in range(count)), labels, images)

small = dict(conv=(4,), dense=(8,), epochs=1, batch_size=32, image_size=32, train_limit=64)
recipe = greycard.Recipe.make(name="large", dataset="large", **small)
greycard.train(recipe, Dataset("large", ("a", "b"), split(20_000), split(40)), workers=2, on=ADDRESS, out=OUT)
"""
"""Images of 61 MB on machines that keep 100 MB: they have room for one copy, and none for one of each worker."""


@pytest.mark.slow
def test_a_dataset_in_memory_is_sent_once_to_each_machine(cluster: Nodes, tmp_path: Path) -> None:
    values = f"ADDRESS, OUT = {cluster.address!r}, {str(tmp_path)!r}\n"
    assert ended(start_python("-c", values + LARGE))[0] == 0
    assert _run_in(tmp_path).finished


@pytest.mark.slow
def test_a_group_waits_until_the_cluster_has_room_for_all_of_it(
    alone: RunRecord, cluster: Nodes, tmp_path: Path
) -> None:
    """Two groups begin at the same time on a cluster with room for one; neither holds what the other needs."""
    words = ("run", *RESNET, "--workers", "2", "--on", cluster.address, "--out", tmp_path / "a")
    there = {"workers": 2, "on": cluster.address, "out": str(tmp_path / "b")}
    python = f"import greycard; greycard.train('digits-cnn', **{there | CHANGES})"
    too_large = start("run", *RESNET, "--workers", "4", "--on", cluster.address, "--out", tmp_path / "none")
    both = [start(*words), start_python("-c", python)]
    said = [ended(process) for process in both]
    assert [code for code, _, _ in said] == [0, 0]
    assert sum("waiting for room for 2 workers" in err for _, _, err in said) == 1
    for name in "ab":
        assert_same(alone, _run_in(tmp_path / name))
    assert ended(too_large) == (
        2,
        "",
        "error: 4 workers need room at the same time, and there is room for 2\n"
        "hint: use fewer --workers, or a smaller GREYCARD_THREADS\n",
    )
