"""One run on the page: its figures are the run's own, and its images are found where they are now."""

from __future__ import annotations

import hashlib
import io
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from trained_project import copied, train_project

import greycard
from conftest import image
from greycard.datasets.dataset import Split
from greycard.datasets.digests import file_digest
from greycard.deploy.serve.limits import RefusedError
from greycard.runs.directory import RunDirectory
from greycard.runs.record import RunRecord
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from greycard.studio.processes import ENDED
from greycard.studio.results import run_images
from greycard.studio.results.as_trained import as_trained
from greycard.studio.results.project_zip import Entry, zipped
from greycard.studio.results.run_images import RunImages
from greycard.studio.results.tickets import Tickets


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_project(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def pets(trained: Path, tmp_path: Path) -> Path:
    return copied(trained, tmp_path)


@pytest.fixture
def run(pets: Path) -> greycard.Run:
    return greycard.open_run(pets.parent / "runs" / "pets-1")


@pytest.fixture
def client(pets: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Context(ImageFolder(pets), pets.parent / "runs"))) as client:
        yield client


def _answers(client: TestClient) -> dict[str, dict[str, Any]]:
    return {each["recorded"]: each for each in client.get("/api/runs/pets-1").json()["answers"]}


def test_the_figures_are_the_runs(client: TestClient, run: greycard.Run) -> None:
    found = client.get("/api/runs/pets-1").json()
    assert found["validation"]["value"] == run.summary.val_accuracy
    assert found["validation"]["low"] < found["validation"]["value"] < found["validation"]["high"]
    assert [each["sentence"] for each in found["findings"]] == [each.sentence for each in run.diagnose()]
    assert found["classes"] == ["dark", "light"]
    matrix = np.zeros((2, 2), int)
    for each in found["answers"]:
        matrix[each["label"], each["answer"]] += 1
    assert matrix.tolist() == [list(row) for row in run.scores.confusion]
    sureness = [each["probability"] for each in found["answers"]]
    assert sureness == sorted(sureness, reverse=True)
    assert sum(each["images"] for each in found["trust"]["bins"]) == run.summary.val_images
    assert found["formats"] == ["keras", "saved-model", "litert", "litert-int8", "onnx", "openvino", "html"]
    assert found["exports"] == []


def test_an_answer_is_that_of_predict(client: TestClient, run: greycard.Run, pets: Path) -> None:
    for id, answer in list(_answers(client).items())[:4]:
        predicted = run.predict(pets / id)[0]
        assert answer["place"] == id
        assert ("dark", "light")[answer["answer"]] == predicted.label
        assert answer["probability"] == pytest.approx(predicted.probability, abs=1e-4)


def test_images_are_found_by_their_content_after_labels_change(client: TestClient, pets: Path) -> None:
    """The old place of one of them has another image now, which must not get its answer."""
    id = next(each for each in _answers(client) if each.startswith("dark/0"))
    other = id.replace("dark/", "light/")
    moved = client.post("/api/label", json={"ids": [id], "class": "light"}).json()["moves"][0]["target"]
    client.post("/api/label", json={"ids": [other], "class": "dark"})
    assert (pets / id).is_file()
    answers = _answers(client)
    assert answers[id]["place"] == moved
    assert answers.get(other, {"place": id})["place"] == id
    client.post("/api/classes/rename", json={"class": "light", "name": "bright"})
    assert _answers(client)[id]["place"] == moved.replace("light/", "bright/")


def test_a_moved_image_is_looked_for_under_its_own_name_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def digest(file: Path) -> str:
        read.append(file.relative_to(tmp_path).as_posix())
        return file_digest(file)

    monkeypatch.setattr(run_images, "file_digest", digest)
    for number in range(2, 40):
        image(number).save(tmp_path / f"camera-{number}.png")
    image(99).save(tmp_path / "camera.png")
    image(98).save(tmp_path / "other.png")
    ids = [f"camera-{number}.png" for number in range(2, 40)]
    known = {id: file_digest(tmp_path / id) for id in ids}
    (tmp_path / "dog").mkdir()
    moves = {"camera-7.png": "dog/camera-7.png", "camera-8.png": "dog/camera-8-2.png"}
    for source, target in moves.items():
        (tmp_path / source).rename(tmp_path / target)
    places = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")]
    assert RunImages(tmp_path).find(moves, known, places) == moves
    assert sorted(read) == ["camera.png", *sorted(moves.values())]


@pytest.mark.parametrize(("then", "now"), [("a", "a-2"), ("a", "a-12-3"), ("a-2", "a"), ("a-2-3", "a")])
def test_a_number_that_a_move_has_added_or_that_undo_has_taken_away_does_not_matter(
    tmp_path: Path, then: str, now: str
) -> None:
    image(1).save(tmp_path / f"{now}.png")
    known = {f"{then}.png": file_digest(tmp_path / f"{now}.png")}
    assert RunImages(tmp_path).find(known, known, [f"{now}.png"]) == {f"{then}.png": f"{now}.png"}


def test_an_image_in_the_trash_or_changed_is_missing(client: TestClient, pets: Path) -> None:
    first, second, *_ = _answers(client)
    client.post("/api/discard", json={"ids": [first]})
    image(7).save(pets / second)
    answers = _answers(client)
    assert answers[first]["place"] is None
    assert answers[second]["place"] is None
    assert sum(each["place"] is None for each in answers.values()) == 2


def test_a_run_without_digests_is_shown_by_its_ids(client: TestClient, run: greycard.Run) -> None:
    with np.load(run.path / "split.npz") as archive:
        arrays = {name: archive[name] for name in ("train", "validation", "test")}
    np.savez_compressed(run.path / "split.npz", **arrays)  # type: ignore[arg-type]
    first, *_ = _answers(client)
    client.post("/api/discard", json={"ids": [first]})
    answers = _answers(client)
    assert answers[first]["place"] is None
    assert sum(each["place"] is None for each in answers.values()) == 1


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", ".", "pets-1%2f..%2fpets-1", "..%2fpets", "linked", ".hidden", "no", "%00"]
)
def test_only_a_folder_in_the_folder_of_runs_is_a_run(client: TestClient, run: greycard.Run, name: str) -> None:
    shutil.copytree(run.path, run.path.parent.parent / "outside")
    (run.path.parent / "linked").symlink_to(run.path.parent.parent / "outside")
    shutil.copytree(run.path, run.path.parent / ".hidden")
    answer = client.get(f"/api/runs/{name}")  # `.` is the list of runs itself
    assert answer.status_code in (404, 405) or answer.url.path.rstrip("/") == "/api/runs"
    asked = name.replace("%2f", "/").replace("%2e", ".").replace("%00", "\0")
    for path in ("outputs/report", "outputs/card", "outputs/augmentation", "try/start"):
        assert client.post(f"/api/{path}", json={"run": asked}).status_code == 404
    for given in (asked, None, 3, ["pets-1"], {"run": "pets-1"}):
        answer = client.post("/api/tickets", json={"run": given, "what": "project", "format": None})
        assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("name", ["linked", ".hidden", "no recipe", "x" * 300])
def test_every_request_has_the_same_rules_for_the_name_of_a_run(
    client: TestClient, run: greycard.Run, name: str
) -> None:
    shutil.copytree(run.path, run.path.parent.parent / "outside")
    (run.path.parent / "linked").symlink_to(run.path.parent.parent / "outside")
    shutil.copytree(run.path, run.path.parent / ".hidden")
    (run.path.parent / "no recipe").mkdir()
    for path in (f"/api/runs/{name}", f"/api/runs/curves?name={name}", f"/api/runs/compare?name=pets-1&name={name}"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, f"there is no run {name[:80]!r}")


def test_images_that_are_no_files_have_no_digests(tmp_path: Path) -> None:
    directory = RunDirectory.new(tmp_path, "arrays")
    split = Split(("0", "1"), np.zeros(2, np.int64), np.zeros((2, 4, 4), np.uint8))
    directory.write_split([split, split])
    directory.release()
    with np.load(directory.path / "split.npz") as archive:
        sizes = {name: len(archive[name]) for name in archive}
    assert sizes == {"train": 2, "validation": 2, "test": 0, "digests": 0}


def test_a_run_that_cannot_be_shown_says_why(client: TestClient, run: greycard.Run) -> None:
    shutil.copytree(run.path, run.path.parent / "unfinished")
    (run.path.parent / "unfinished" / "summary.json").unlink()
    answer = client.get("/api/runs/unfinished")
    assert (answer.status_code, "is unfinished" in answer.json()["error"]) == (409, True)
    (run.path / "predictions.npz").write_bytes(b"no archive")
    answer = client.get("/api/runs/pets-1")
    assert (answer.status_code, "cannot be read" in answer.json()["error"]) == (409, True)


@pytest.mark.parametrize(
    "name",
    ["../recipe.json", "../../../pets/dark/000.jpg", "no.png", "link.png", "", "..", "a.txt", f"{'x' * 300}.png"],
)
def test_only_figures_in_the_runs_own_folder_are_shown(client: TestClient, run: greycard.Run, name: str) -> None:
    (run.path / "explain").mkdir()
    image(1).save(run.path / "explain" / "a-heat.png")
    image(2).save(run.path.parent / "secret.png")
    (run.path / "explain" / "link.png").symlink_to(run.path.parent / "secret.png")
    (run.path / "explain" / "a.txt").write_text("words")
    assert client.get("/api/runs/pets-1/drawing", params={"id": "a-heat.png"}).headers["content-type"] == "image/png"
    assert client.get("/api/runs/pets-1/drawing", params={"id": name}).status_code == 404


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("outputs/export", {"run": "pets-1", "format": "exe"}, 400),
        ("outputs/export", {"run": "pets-1", "format": None}, 400),
        ("outputs/explain", {"run": "pets-1", "ids": []}, 400),
        ("outputs/explain", {"run": "pets-1", "ids": [f"{n}.jpg" for n in range(13)]}, 400),
        ("outputs/explain", {"run": "pets-1", "ids": ["../runs/pets-1/model.keras"]}, 404),
        ("outputs/explain", {"run": "pets-1", "ids": ["--help"]}, 404),
        ("tickets", {"run": "pets-1", "what": "report", "format": None}, 404),
        ("tickets", {"run": "pets-1", "what": "card", "format": None}, 404),
        ("tickets", {"run": "pets-1", "what": "export", "format": "litert"}, 404),
        ("tickets", {"run": "pets-1", "what": "export", "format": "../../pets"}, 400),
        ("tickets", {"run": "pets-1", "what": ["project"], "format": None}, 400),
    ],
)
def test_what_cannot_be_made_is_said(client: TestClient, path: str, fields: dict[str, Any], status: int) -> None:
    answer = client.post(f"/api/{path}", json=fields)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_a_model_that_is_not_loaded_answers_nothing(client: TestClient) -> None:
    assert client.get("/api/try").json() == {"state": "none", "run": None, "error": None}
    for kind, query, status in (("image/png", "run=pets-1", 409), ("image/png", "", 400), ("text/plain", "run=x", 415)):
        answer = client.post(f"/api/try?{query}", content=b"x", headers={"content-type": kind})
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_a_project_is_an_archive_of_its_images_and_the_run(client: TestClient, run: greycard.Run, pets: Path) -> None:
    (pets / "new.jpg").write_bytes((pets / "dark" / "000.jpg").read_bytes())
    (run.path / "secret").symlink_to(pets.parent)
    (run.path / "link.txt").symlink_to("/etc/hostname")
    client.get("/api/thumbnail?id=dark/000.jpg")
    client.post("/api/discard", json={"ids": ["dark/001.jpg"]})
    address = client.post("/api/tickets", json={"run": "pets-1", "what": "project", "format": None}).json()["address"]
    answer = client.get(address)
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''pets.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert archive.read("pets/dark/000.jpg") == (pets / "dark" / "000.jpg").read_bytes()
    images = {name for name in names if name.startswith("pets/")}
    assert images == {
        f"pets/{path.relative_to(pets).as_posix()}" for path in pets.rglob("*.jpg") if ".greycard" not in path.parts
    }
    assert {"runs/pets-1/model.keras", "runs/pets-1/summary.json"} < names
    assert not any(word in name for name in names for word in ("run_args", "secret", "link", ".greycard"))
    assert client.get(address).status_code == 404


def _in_project(client: TestClient) -> set[str]:
    """The names in the archive of the project."""
    wanted = {"run": "pets-1", "what": "project", "format": None}
    answer = client.get(client.post("/api/tickets", json=wanted).json()["address"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return set(archive.namelist())


def test_a_file_outside_the_folder_is_not_in_the_project(client: TestClient, pets: Path) -> None:
    image(1).save(pets.parent / "private.jpg")
    (pets / "dark" / "link.jpg").symlink_to(pets.parent / "private.jpg")
    (pets / "dark" / "inside.jpg").symlink_to(pets / "dark" / "000.jpg")
    names = _in_project(client)
    assert "pets/dark/inside.jpg" in names
    assert "pets/dark/link.jpg" not in names


def test_private_files_of_the_runs_in_a_search_are_not_in_the_project(client: TestClient, run: greycard.Run) -> None:
    tried = run.path / "tried" / "pets-1-a"
    (tried / "checkpoint").mkdir(parents=True)
    for name in ("run_args.json", "recipe.json", "checkpoint/1.checkpoint"):
        (tried / name).write_text("{}")
    names = _in_project(client)
    assert [name for name in names if "tried" in name] == ["runs/pets-1/tried/pets-1-a/recipe.json"]


def test_an_archive_leaves_out_a_file_that_is_gone_and_keeps_odd_names(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(1_000_000))
    entries = [Entry(tmp_path / "a.jpg", "x/a\udcff ü.jpg"), Entry(tmp_path / "gone.jpg", "x/gone.jpg")]
    parts = list(zipped(entries))
    assert max(map(len, parts)) < 300_000
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.namelist() == ["x/a\\udcff ü.jpg"]
        assert len(archive.read("x/a\\udcff ü.jpg")) == 1_000_000


def test_a_ticket_is_valid_once_and_for_a_minute() -> None:
    seconds = 0.0
    tickets = Tickets(lambda: seconds)
    first, second, third = (tickets.issue(lambda: PlainTextResponse("here")) for _ in range(3))
    assert tickets.redeem(first).body == b"here"
    seconds = 59.0
    assert tickets.redeem(second).body == b"here"
    seconds = 61.0
    for ticket in (first, second, third, "", "guess"):
        with pytest.raises(RefusedError, match="valid once"):
            tickets.redeem(ticket)


def test_a_download_needs_a_ticket_and_a_ticket_needs_the_token(pets: Path) -> None:
    context = Context(ImageFolder(pets), pets.parent / "runs")
    with TestClient(make_app(context, token="secret")) as client:
        wanted = {"run": "pets-1", "what": "project", "format": None}
        assert client.post("/api/tickets", json=wanted).status_code == 401
        assert client.get("/api/runs/pets-1").status_code == 401
        answer = client.post("/api/tickets", json=wanted, headers={"authorization": "Bearer secret"})
        address = answer.json()["address"]
        assert client.get(address, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        assert client.get("/download/guess").status_code == 404
        assert client.get(address).status_code == 200


def test_a_changed_project_is_exported_with_the_images_of_training(
    client: TestClient, run: greycard.Run, pets: Path, tmp_path: Path
) -> None:
    finder, out = RunImages(pets), tmp_path / "links"
    images = ImageFolder(pets)
    client.post("/api/label", json={"ids": ["dark/000.jpg", "dark/w0.jpg"], "class": "light"})
    client.post("/api/discard", json={"ids": ["light/003.jpg"]})
    (pets / "empty").mkdir()
    (pets / "dark" / "another.jpg").write_bytes((pets / "dark" / "005.jpg").read_bytes())
    for _ in range(2):
        assert as_trained(run, images, finder, out) == out
    ids = [id for side in run.split for id in side]
    linked = {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.jpg")}
    assert linked.keys() == set(ids)
    assert {id: hashlib.sha256(content).hexdigest() for id, content in linked.items()} == run.digests


def test_a_run_on_other_images_or_with_odd_ids_gets_no_links(run: greycard.Run, pets: Path, tmp_path: Path) -> None:
    finder, out = RunImages(pets), tmp_path / "links"
    (tmp_path / "empty").mkdir()
    assert as_trained(run, ImageFolder(tmp_path / "empty"), RunImages(tmp_path / "empty"), out) is None
    with np.load(run.path / "split.npz") as archive:
        arrays = dict(archive)
    arrays["train"] = np.array(["../escaped.jpg", *arrays["train"][1:]])
    np.savez_compressed(run.path / "split.npz", **arrays)
    (pets / "dark" / "escaped.jpg").write_bytes((pets / "dark" / "000.jpg").read_bytes())
    assert as_trained(RunRecord(run.path), ImageFolder(pets), finder, out) is None
    assert not out.exists()


@pytest.mark.parametrize(("start", "status"), [("outputs/report", "outputs/report"), ("try/start", "try")])
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("kill -9 $$", ENDED),
        ("echo 'a note with error: in it' >&2; kill -9 $$", ENDED),
        (
            "printf 'error: first\\nnote\\nerror: it is full\\nhint: make room\\n' >&2; exit 2",
            "error: it is full\nhint: make room",
        ),
    ],
)
def test_what_has_ended_a_process_is_said_in_the_same_words(
    client: TestClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: str,
    status: str,
    script: str,
    expected: str,
) -> None:
    command = tmp_path / "python"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(command))
    assert client.post(f"/api/{start}", json={"run": "pets-1"}).status_code == 200
    deadline = time.monotonic() + 60
    while (found := client.get(f"/api/{status}").json())["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (found["state"], found["error"]) == ("failed", expected)


def test_a_second_export_leaves_the_images_of_the_first_alone(
    client: TestClient, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, links = tmp_path / "python", pets / ".greycard" / "as-trained"
    command.write_text(f"#!/bin/sh\nfor turn in $(seq 1000); do [ -e '{tmp_path}/end' ] && exit; sleep 0.05; done\n")
    command.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(command))
    asked = {"run": "pets-1", "format": "litert"}
    assert client.post("/api/outputs/export", json=asked).json()["state"] == "running"
    before = links.stat().st_ino
    (links / "of the first").touch()
    assert client.post("/api/outputs/export", json=asked).status_code == 409
    assert (links.stat().st_ino, (links / "of the first").exists()) == (before, True)
    (tmp_path / "end").touch()
    _wait_for_export(client)
    assert client.post("/api/outputs/export", json=asked).status_code == 200
    assert not (links / "of the first").exists()
    _wait_for_export(client)


def _wait_for_export(client: TestClient) -> None:
    deadline = time.monotonic() + 60
    while client.get("/api/outputs/export").json()["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
