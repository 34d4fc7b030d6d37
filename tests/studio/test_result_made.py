"""What commands make of a run for the page, in real processes: figures, exports, and a model to try."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient
from trained_project import copied, train_project

import greycard
from conftest import image
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder

pytestmark = pytest.mark.slow


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


def _eventually(found: Callable[[], Any], seconds: float = 120) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.1)
    return value


def _made(client: TestClient, kind: str, **fields: Any) -> dict[str, Any]:
    """Make an output of the run, and return its last status."""
    begun = client.post(f"/api/outputs/{kind}", json={"run": "pets-1", **fields})
    assert begun.json()["state"] == "running", begun.text
    assert client.post(f"/api/outputs/{kind}", json={"run": "pets-1", **fields}).status_code == 409

    def ended() -> dict[str, Any] | None:
        status = client.get(f"/api/outputs/{kind}").json()
        return status if status["state"] != "running" else None

    return dict(_eventually(ended))


def _taken(client: TestClient, what: str, form: str | None = None) -> Any:
    wanted = {"run": "pets-1", "what": what, "format": form}
    return client.get(client.post("/api/tickets", json=wanted).json()["address"])


def test_a_report_cannot_act_as_the_page_and_a_card_is_markdown(client: TestClient, run: greycard.Run) -> None:
    assert _made(client, "report")["state"] == "finished"
    report = _taken(client, "report")
    assert report.text == (run.path / "report.html").read_text()
    assert report.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "allow" not in report.headers["content-security-policy"]
    assert _made(client, "card")["state"] == "finished"
    card = _taken(client, "card")
    assert card.text == run.card()
    assert card.headers["content-disposition"] == "attachment; filename*=utf-8''pets-1-card.md"


def test_heat_maps_and_augmentation_are_drawn(client: TestClient, run: greycard.Run, pets: Path) -> None:
    ids = ["dark/000.jpg", "light/000.jpg"]
    status = _made(client, "explain", ids=ids)
    assert [each["id"] for each in status["drawings"]] == ids
    for each in status["drawings"]:
        for name in (each["heat"], each["maps"]):
            answer = client.get("/api/runs/pets-1/drawing", params={"id": name})
            assert Image.open(io.BytesIO(answer.content)).format == "PNG"
    assert client.get("/api/runs/pets-1/augmentation").status_code == 404
    assert _made(client, "augmentation")["state"] == "finished"
    sheet = Image.open(io.BytesIO(client.get("/api/runs/pets-1/augmentation").content))
    side = 24 + 8
    assert sheet.size == (6 * side, 6 * side)


def test_an_image_that_is_unreadable_is_said(client: TestClient, pets: Path) -> None:
    (pets / "dark" / "bad.jpg").write_bytes(b"no image")
    status = _made(client, "explain", ids=["dark/bad.jpg"])
    assert (status["state"], status["drawings"]) == ("failed", [])
    assert "bad.jpg cannot be read" in status["error"]


def test_an_export_is_checked_on_the_images_of_training_after_labels_change(
    client: TestClient, run: greycard.Run, pets: Path
) -> None:
    client.post("/api/label", json={"ids": ["dark/w0.jpg", "dark/w1.jpg"], "class": "light"})
    client.post("/api/discard", json={"ids": ["light/000.jpg"]})
    assert _made(client, "export", format="litert")["state"] == "finished"
    assert _made(client, "export", format="saved-model")["state"] == "finished"
    litert, saved_model = sorted(client.get("/api/runs/pets-1").json()["exports"], key=lambda each: each["format"])
    assert litert["images"] == run.summary.val_images
    assert litert["accuracy"] == litert["original_accuracy"] == run.summary.val_accuracy
    assert saved_model["largest_difference"] < 1e-3
    assert _taken(client, "export", "litert").content == (run.path / "export" / "pets-1.tflite").read_bytes()
    with zipfile.ZipFile(io.BytesIO(_taken(client, "export", "saved-model").content)) as archive:
        assert "pets-1-saved-model/saved_model.pb" in archive.namelist()


def _state(client: TestClient) -> str | None:
    state = client.get("/api/try").json()["state"]
    return str(state) if state != "running" else None


def test_a_model_answers_as_predict_does(client: TestClient, run: greycard.Run, pets: Path) -> None:
    assert client.post("/api/try/start", json={"run": "pets-1"}).json()["state"] == "running"
    content = (pets / "light" / "001.jpg").read_bytes()
    kind = {"content-type": "image/jpeg"}
    assert client.post("/api/try?run=pets-1", content=content, headers=kind).status_code == 409
    assert _eventually(lambda: _state(client)) == "ready"
    found = client.post("/api/try?run=pets-1&heat=1", content=content, headers=kind).json()
    expected = run.predict(content)[0]
    assert found["class"] == expected.label
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-4)
    assert found["heat"] is None or found["heat"].startswith("data:image/png;base64,")
    assert "heat" not in client.post("/api/try?run=pets-1", content=content, headers=kind).json()
    assert client.post("/api/try?run=pets-2", content=content, headers=kind).status_code == 409
    for bad, status in ((b"", 400), (b"words", 422), (bytes(17_000_000), 413)):
        answer = client.post("/api/try?run=pets-1", content=bad, headers=kind)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    begun = time.perf_counter()
    for _ in range(10):
        assert client.post("/api/try?run=pets-1", content=content, headers=kind).status_code == 200
    assert time.perf_counter() - begun < 2
    (run.path / "model.keras").write_bytes(b"damaged")
    run.path.rename(run.path.parent / "damaged")
    client.post("/api/try/start", json={"run": "damaged"})
    assert _eventually(lambda: _state(client)) == "failed"
    assert client.get("/api/try").json()["error"]


def _processes(word: str) -> list[int]:
    """The ids of processes that serve a run whose path has this word."""
    lines = subprocess.check_output(["ps", "-wweo", "pid,args"], text=True).splitlines()
    return [int(line.split()[0]) for line in lines if "greycard.studio.bound" in line and word in line]


@pytest.mark.skipif(sys.platform != "linux", reason="lists processes with ps")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_the_models_process_ends_with_the_server(pets: Path, run: greycard.Run, kill: int) -> None:
    words = [sys.executable, "-m", "greycard", "studio", str(pets), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=pets.parent) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().rpartition(" ")[2].strip()
            request = urllib.request.Request(f"{address}api/try/start", json.dumps({"run": "pets-1"}).encode())
            request.add_header("Content-Type", "application/json")
            urllib.request.urlopen(request).close()
            assert _eventually(lambda: _processes(str(run.path)))
            process.send_signal(kill)
            process.wait(30)
        finally:
            process.kill()
    _eventually(lambda: not _processes(str(run.path)), 20)


def test_another_runs_model_takes_the_place_of_the_first(client: TestClient, run: greycard.Run) -> None:
    shutil.copytree(run.path, run.path.parent / "pets-2")
    client.post("/api/try/start", json={"run": "pets-1"})
    client.post("/api/try/start", json={"run": "pets-2"})
    _eventually(lambda: len(_processes(str(run.path.parent))) == 1)
    assert _eventually(lambda: _state(client)) == "ready"
    content = io.BytesIO()
    image(1, 200).save(content, "PNG")
    answer = client.post("/api/try?run=pets-2", content=content.getvalue(), headers={"content-type": "image/png"})
    assert set(answer.json()["probabilities"]) == {"dark", "light"}
