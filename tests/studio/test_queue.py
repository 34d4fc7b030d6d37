"""The queue of trainings: on disk, one at a time, resumed after a killed server; and what its requests refuse."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.testclient import TestClient

import greycard
from conftest import make_folder
from greycard.core.epoch import Epoch
from greycard.core.run_format import JOB
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from greycard.studio.training import detached
from greycard.studio.training.job_queue import Queue
from greycard.studio.training.jobs import FAILED, FINISHED, RUNNING, STOPPED, WAITING, Job, JobsFile
from greycard.studio.training.requests import FAMILY, MINUTES, PROJECT, RESUME, Request, families, recipes, request_of
from greycard.training.checkpoint import TrainState, newest_progress, write_checkpoint

SHORT, LONG = Request(FAMILY, "mlp"), Request(PROJECT, "cats-dogs-3k-cnn")
"""A training of a few seconds, and one of a minute: 100 epochs without an early end."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "pets", ("",), ("dark", "light"), 12)


@pytest.fixture
def queue(root: Path) -> Iterator[Queue]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    found = _queue(root)
    yield found
    kill_all(found)
    signal.signal(signal.SIGINT, before)


def _queue(root: Path) -> Queue:
    return Queue(root, root / ".greycard", root.parent / "runs")


def kill_all(queue: Queue) -> None:
    """The processes of a test end with it."""
    for job in queue.jobs():
        if job.state == RUNNING and job.pid is not None and detached.lives(job.pid, job.born or 0.0):
            os.kill(job.pid, signal.SIGKILL)


def _until(done: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.1)
    return found


def _seen(queue: Queue, place: int, *states: str) -> Job:
    """The job at this place as soon as it has one of these states."""

    def look() -> Job | None:
        queue.look()
        job = queue.jobs()[place]
        return job if job.state in states else None

    return _until(look)


def test_jobs_are_on_disk_in_their_order_and_a_damaged_file_is_an_empty_list(tmp_path: Path) -> None:
    file = JobsFile(tmp_path / "state" / "jobs.json")
    job = Job(id="a", request=Request(MINUTES, None, 3.0), run="pets-1", pid=7, born=1.5)
    with file.changing() as jobs:
        jobs.all += [job, Job(id="b", request=LONG)]
    assert JobsFile(tmp_path / "state" / "jobs.json").read().all == [job, Job(id="b", request=LONG)]
    for damaged in ('{"jobs": [{"id": 1}]}', '{"jobs": 3}', "[]", "{", "[" * 100_000):
        (tmp_path / "state" / "jobs.json").write_text(damaged)
        assert file.read().all == []


def test_ended_jobs_are_forgotten_after_fifty_and_open_ones_never(tmp_path: Path) -> None:
    file = JobsFile(tmp_path / "jobs.json")
    with file.changing() as jobs:
        jobs.all += [Job(id="open", request=SHORT)]
        jobs.all += [Job(id=str(number), request=SHORT, state=FINISHED) for number in range(60)]
    kept = [job.id for job in file.read().all]
    assert (kept[0], kept[1], len(kept)) == ("open", "10", 51)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(MINUTES, None, 2.5), "train /p --minutes 2.5 --out /r"),
        (Request(FAMILY, "auto"), "train /p --out /r"),
        (Request(FAMILY, "fine-tune", 5.0), "train /p --fine-tune last --set minutes=5 --out /r"),
        (Request(FAMILY, "resnet"), "train /p --set model.kind=resnet --out /r"),
        (Request(PROJECT, "mnist-cnn", 1.0), "run mnist-cnn --set dataset=/p --set minutes=1 --out /r"),
        (Request(RESUME, "pets-1"), "resume /r/pets-1 --data /p"),
    ],
)
def test_a_request_is_an_ordinary_command(request_: Request, words: str) -> None:
    assert " ".join(map(str, request_.words(Path("/p"), Path("/r")))) == words


def test_only_what_can_be_trained_here_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("greycard.models.preferred.packaged_files", lambda network: [])
    assert [family.name for family in families()] == ["auto", "resnet", "convnet", "mlp"]
    names = [project.name for project in recipes()]
    assert "cats-dogs-3k-cnn" in names
    assert not {"house-prices", "cats-dogs-3k-transfer"} & set(names)
    fields = {"how": "resume", "name": "pets-1", "minutes": None}
    assert request_of(fields, ["pets-1"]) == Request(RESUME, "pets-1")
    with pytest.raises(RefusedError, match=r"probe"):
        request_of({"how": "family", "name": "probe", "minutes": None}, [])


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        began = detached.born(process.pid)
        assert began is not None
        assert detached.lives(process.pid, began)
        assert not detached.lives(process.pid, began - 3600)
        process.kill()
        _until(lambda: detached.born(process.pid) is None)  # it is a zombie: nobody has waited for it
    assert not detached.lives(process.pid, began)


def test_the_newest_checkpoint_says_how_far_an_epoch_is(tmp_path: Path) -> None:
    assert newest_progress(tmp_path) is None
    epoch = Epoch(epoch=1, train_loss=1.0, val_loss=None, seconds=2.0, train_seconds=1.0, val_seconds=1.0)
    state = TrainState("d", epoch=1, batch=7, history=[epoch], epoch_seconds=3.0)
    write_checkpoint(tmp_path, state, [])
    assert newest_progress(tmp_path) == state
    write_checkpoint(tmp_path, replace(state, batch=9), [])
    newest = max(tmp_path.glob("*.checkpoint"))
    newest.write_bytes(b"cut off")
    assert newest_progress(tmp_path) == state
    assert newest.exists()  # only the process that trains may rename it


def test_a_training_that_cannot_start_says_why_and_the_next_one_starts(queue: Queue, root: Path) -> None:
    shutil.rmtree(root / "light")
    queue.add(SHORT)
    queue.add(Request(FAMILY, "convnet"))
    assert [job.state for job in queue.jobs()] == [RUNNING, WAITING]
    with pytest.raises(RefusedError, match=r"expected a training that is not running. Received: one that is running"):
        queue.remove(queue.jobs()[0].id)
    failed = _seen(queue, 0, FAILED)
    assert failed.error
    assert "has a single class, 'dark'" in failed.error
    assert queue.jobs()[1].state == RUNNING
    _seen(queue, 1, FAILED)
    queue.remove(failed.id)
    assert len(queue.jobs()) == 1
    assert len(list((root / ".greycard" / "jobs").iterdir())) == 1


def test_a_waiting_training_is_removed_and_a_running_one_is_not_added_twice(queue: Queue) -> None:
    for request in (SHORT, SHORT, Request(RESUME, "pets-9")):
        queue.add(request)
    with pytest.raises(RefusedError, match=r"pets-9 is in the queue already"):
        queue.add(Request(RESUME, "pets-9"))
    queue.remove(queue.jobs()[1].id)
    assert [job.request for job in queue.jobs()] == [SHORT, Request(RESUME, "pets-9")]
    with pytest.raises(RefusedError, match=r"expected a training that is running"):
        queue.stop(queue.jobs()[1].id)


@contextmanager
def _process(root: Path, ignores: bool, known: bool) -> Iterator[subprocess.Popen[str]]:
    """A process in the place of the first job's, which says on stdout that it is interrupted, and ends."""
    handler = "signal.SIG_IGN" if ignores else "lambda *_: (print('interrupted', flush=True), os._exit(130))"
    code = "import os, signal, time; signal.signal(signal.SIGINT, {}); print('ready', flush=True); time.sleep(600)"
    code = code.format(handler)
    words, named = [sys.executable, "-c", code], {**os.environ, JOB: "a"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=named) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        job = Job(id="a", request=SHORT, state=RUNNING, started=time.time())
        job = replace(job, pid=process.pid, born=detached.born(process.pid)) if known else job
        with JobsFile(root / ".greycard" / "jobs.json").changing() as jobs:
            jobs.all.append(job)
        try:
            yield process
        finally:
            process.kill()


def test_a_training_that_ignores_stop_is_ended_by_a_later_one(queue: Queue, root: Path) -> None:
    with _process(root, ignores=True, known=True) as process:
        queue.stop("a")
        with pytest.raises(RefusedError, match="it is stopping already; 10 s after the first, Stop ends it at once"):
            queue.stop("a")
        queue.look()
        assert (queue.jobs()[0].state, process.poll()) == (RUNNING, None)
        with JobsFile(root / ".greycard" / "jobs.json").changing() as jobs:
            jobs.change(jobs.all[0], asked=time.time() - 11)
        queue.stop("a")
        assert process.wait(20) == -signal.SIGKILL
        assert _seen(queue, 0, STOPPED).error is None


def test_a_training_whose_process_is_found_after_stop_is_stopped(queue: Queue, root: Path) -> None:
    with _process(root, ignores=False, known=False) as process:
        queue.stop("a")
        queue.look()  # it may see the end itself, so the exit status is not always left for this test
        assert process.stdout
        assert process.stdout.readline() == "interrupted\n"
        _seen(queue, 0, STOPPED)


@pytest.mark.parametrize("path", ["curves?name=", "compare?name=pets-1&name="])
@pytest.mark.parametrize("name", ["..", "../pets", "/etc", "%00", "pets-2%2F..", "outside", ""])
def test_no_run_elsewhere_is_read(root: Path, path: str, name: str) -> None:
    for place in (root.parent / "runs" / "pets-1", root.parent / "elsewhere"):
        place.mkdir(parents=True)
        (place / "recipe.json").write_text("{}")
    (root.parent / "runs" / "outside").symlink_to(root.parent / "elsewhere")
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"))) as client:
        answer = client.get(f"/api/runs/{path}{name}")
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]


def test_one_run_cannot_be_compared(root: Path) -> None:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"))) as client:
        assert client.get("/api/runs/compare?name=a&name=a").status_code == 400
        assert client.get("/api/runs/curves").status_code == 404
        assert client.get("/api/runs").json() == {"runs": []}
        assert client.get("/vendor/sources.json").status_code == 404
        assert client.get("/vendor/uPlot.esm.js").headers["content-type"].startswith("text/javascript")


def test_only_two_comparisons_run_at_once(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = root.parent / "runs"
    for name in "ab":
        (runs / name).mkdir(parents=True)
        (runs / name / "recipe.json").write_text("{}")
    command = tmp_path / "python"
    command.write_text(
        f"#!/bin/sh\ntouch '{tmp_path}'/$$.begun\n"
        f"while [ ! -e '{tmp_path}/end' ]; do sleep 0.05; done\necho '{{\"images\": 3}}'\n"
    )
    command.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(command))
    asked = "/api/runs/compare?name=a&name=b"
    with TestClient(make_app(Context(ImageFolder(root), runs))) as client, ThreadPoolExecutor(2) as pool:
        first = [pool.submit(client.get, asked) for _ in range(2)]
        _until(lambda: len(list(tmp_path.glob("*.begun"))) == 2)
        refused = client.get(asked)
        (tmp_path / "end").touch()
        assert [each.result().json() for each in first] == [{"images": 3}] * 2
        assert (refused.status_code, "2 comparisons are running" in refused.json()["error"]) == (503, True)
        assert client.get(asked).status_code == 200


def test_vendored_files_are_those_that_their_list_names() -> None:
    folder = files("greycard.studio").joinpath("page", "vendor")
    listed = json.loads(folder.joinpath("sources.json").read_text(encoding="utf-8"))
    digests = {name: each["sha256"] for library in listed.values() for name, each in library["files"].items()}
    here = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "sources.json"}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in here.items()} == digests
    assert all(library["version"].encode() in here["uPlot.esm.js"] for library in listed.values())


@pytest.mark.slow
def test_trainings_run_one_after_the_other_and_make_ordinary_runs(root: Path) -> None:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"))) as client:
        for name in ("mlp", "convnet"):
            fields = {"how": "family", "name": name, "minutes": 0.5}
            state = client.post("/api/jobs/add", json=fields).json()
        assert [job["state"] for job in state["jobs"]] == [RUNNING, WAITING]
        progress = _until(lambda: (client.get("/api/jobs").json()["running"] or {}).get("progress"))
        assert (progress["epochs"], progress["trains"]) == (100, "pets-1")
        _until(lambda: all(job["state"] == FINISHED for job in client.get("/api/jobs").json()["jobs"]))
        lines = client.get("/api/runs").json()["runs"]
        assert [(line["name"], line["state"], line["can_resume"]) for line in lines] == [
            ("pets-2", FINISHED, False),
            ("pets-1", FINISHED, False),
        ]
        run = greycard.open_run(root.parent / "runs" / "pets-2")
        figure = lines[0]["figure"]
        assert (figure["value"], lines[0]["epochs"]) == (run.summary.val_accuracy, run.summary.epochs)
        assert figure["low"] < figure["value"] <= figure["high"]
        curves = client.get("/api/runs/curves?name=pets-2").json()
        assert curves == {"name": "pets-2", "history": [epoch.to_json() for epoch in run.history], "search": None}
        compared = client.get("/api/runs/compare?name=pets-2&name=pets-1").json()
        assert compared["differences"][0]["first"] == "pets-2"
        refused = client.post("/api/jobs/add", json={"how": "resume", "name": "pets-2", "minutes": None})
        assert refused.status_code == 404
    elsewhere = Context(ImageFolder(root.parent / "others"), root.parent / "runs")
    with TestClient(make_app(elsewhere)) as client:
        assert client.get("/api/runs").json() == {"runs": []}


@pytest.mark.slow
def test_a_stopped_training_keeps_its_epochs_and_goes_on(queue: Queue, root: Path) -> None:
    queue.add(LONG)
    run = _begun(queue, root)
    job = queue.jobs()[0]
    queue.stop(job.id)
    with pytest.raises(RefusedError, match=r"it is stopping already"):
        queue.stop(job.id)
    stopped = _seen(queue, 0, STOPPED)
    assert (stopped.error, stopped.run) == (None, run.name)
    assert list((run / "checkpoint").glob("*.checkpoint"))
    before = _epochs(run)
    queue.resume(job.id)
    _until(lambda: len(_epochs(run)) > len(before))
    assert queue.jobs()[0].run == run.name
    assert _epochs(run)[: len(before)] == before


@contextmanager
def _server(root: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    words = [sys.executable, "-m", "greycard", "studio", str(root), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root.parent) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().rpartition(" ")[2].strip(), process
        finally:
            process.kill()


def _ask(address: str, path: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    data = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(f"{address}api/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _begun(queue: Queue, root: Path) -> Path:
    """The run of the first job, with an epoch or more."""

    def look() -> Path | None:
        queue.look()
        name = queue.jobs()[0].run
        run = None if name is None else root.parent / "runs" / name
        return run if run is not None and _epochs(run) else None

    return _until(look)


def _epochs(run: Path) -> list[dict[str, Any]]:
    file = run / "history.jsonl"
    return [json.loads(line) for line in file.read_text().split("\n")[:-1]] if file.is_file() else []


@pytest.mark.slow
def test_a_training_survives_a_killed_server_and_its_own_kill(root: Path) -> None:
    asked = {"how": "project", "name": "cats-dogs-3k-cnn", "minutes": None}
    queue = _queue(root)
    try:
        with _server(root) as (address, server):
            _ask(address, "jobs/add", asked)
            run = _until(lambda: _ask(address, "jobs")["jobs"][0]["run"])
            server.kill()
        adopted = queue.jobs()[0]
        assert adopted.pid is not None
        assert psutil.pid_exists(adopted.pid)
        with _server(root) as (address, server):
            (shown,) = _ask(address, "jobs")["jobs"]
            assert (shown["state"], shown["run"], shown["note"]) == (RUNNING, run, None)
            assert queue.jobs()[0].pid == adopted.pid
            _until(lambda: (_ask(address, "jobs")["running"]["progress"] or {}).get("history"))
            server.kill()
        os.kill(adopted.pid, signal.SIGKILL)
        before = _epochs(root.parent / "runs" / run)
        with _server(root) as (address, server):
            (shown,) = _until(lambda: [job for job in _ask(address, "jobs")["jobs"] if job["note"]])
            assert (shown["run"], shown["note"]) == (run, "resumed")
            _until(lambda: len(_epochs(root.parent / "runs" / run)) > len(before))
            assert [path.name for path in (root.parent / "runs").iterdir()] == [run]
    finally:
        kill_all(queue)


@pytest.mark.slow
def test_a_training_killed_with_its_server_before_its_run_exists_starts_again(root: Path) -> None:
    first = _queue(root)
    first.add(SHORT)
    (job,) = first.jobs()
    assert job.pid is not None
    os.kill(job.pid, signal.SIGKILL)
    second = _queue(root)
    try:
        _until(lambda: not detached.lives(job.pid or 0, job.born or 0.0))
        second.look()
        (again,) = second.jobs()
        assert (again.state, again.note, again.run) == (RUNNING, "started again", None)
        assert again.pid != job.pid
        assert _seen(second, 0, FINISHED, FAILED).state == FINISHED
    finally:
        kill_all(second)


@pytest.mark.slow
def test_a_server_killed_before_it_wrote_the_process_finds_it_by_its_job(root: Path) -> None:
    first = _queue(root)
    first.add(SHORT)
    (job,) = first.jobs()
    with JobsFile(root / ".greycard" / "jobs.json").changing() as jobs:
        jobs.change(job, pid=None, born=None)
    second = _queue(root)
    try:
        second.look()
        assert second.jobs()[0].pid == job.pid
    finally:
        kill_all(second)


@pytest.mark.slow
def test_a_training_that_is_killed_while_the_server_runs_has_failed_and_can_be_resumed(
    queue: Queue, root: Path
) -> None:
    queue.add(LONG)
    run = _begun(queue, root)
    os.kill(queue.jobs()[0].pid or 0, signal.SIGKILL)
    failed = _seen(queue, 0, FAILED)
    assert failed.error
    assert "may have been killed" in failed.error
    assert failed.run == run.name
    queue.resume(failed.id)
    assert queue.jobs()[0].state == RUNNING
    assert _begun(queue, root) == run
