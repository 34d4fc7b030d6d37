"""The page's requests: what they change, and that nothing else can change anything."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import TestClient

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.uploads import Upload
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images import image_routes
from greycard.studio.images.folder import TRASH, ImageFolder
from greycard.studio.images.thumbnails import SMALL
from greycard.studio.images.uploaded import whole_ending
from greycard.studio.lessons.lessons import find_lesson

LIMITS = Limits(body_bytes=300_000, pixels=1_000_000, seconds=5)
CHANGES = {
    "label": {"ids": ["dark/000.jpg"], "class": "light"},
    "discard": {"ids": ["dark/000.jpg"]},
    "undo": {},
    "redo": {},
    "classes/add": {"name": "bird"},
    "classes/rename": {"class": "dark", "name": "night"},
    "classes/remove": {"class": "dark"},
    "jobs/add": {"how": "minutes", "name": None, "minutes": 1},
    "jobs/stop": {"id": "0123456789abcdef"},
    "jobs/resume": {"id": "0123456789abcdef"},
    "jobs/remove": {"id": "0123456789abcdef"},
    "check": {},
    "teach": {},
    "teach/confirm": {"ids": ["dark/000.jpg"]},
    "teach/accept": {"ids": ["dark/000.jpg"]},
    "label-file": {"use": True},
    **{f"outputs/{kind}": {"run": "pets-1"} for kind in ("report", "card", "augmentation", "map")},
    "outputs/export": {"run": "pets-1", "format": "litert"},
    "outputs/explain": {"run": "pets-1", "ids": ["dark/000.jpg"]},
    "tickets": {"run": "pets-1", "what": "project", "format": None},
    "try/start": {"run": "pets-1"},
    "lesson/keep": {"question": 0, "text": "x"},
    "lesson/answer": {"question": 0},
    "lesson/run": {"command": 0},
    "lesson/stop": {},
}
"""Every path that changes something, with a request that would."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "pets", ("",), ("dark", "light"), 4)


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    context = Context(ImageFolder(root), root.parent / "runs", LIMITS, lesson=find_lesson("1"))
    with TestClient(make_app(context)) as client:
        yield client


def _files(root: Path) -> dict[str, bytes]:
    """The user's files, without the page's own."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".greycard" not in path.parts
    }


def _encoded(kind: str, size: tuple[int, int] = (8, 6), **options: Any) -> bytes:
    content = io.BytesIO()
    image(1, size=size).save(content, kind, **options)
    return content.getvalue()


def test_the_images_are_listed_and_labelled_and_undone(client: TestClient, root: Path) -> None:
    listed = client.get("/api/images").json()
    assert listed["images"] == {
        "": [],
        **{name: [f"{name}/{n:03}.jpg" for n in range(4)] for name in ("dark", "light")},
    }
    assert (listed["folder"], listed["classes"], listed["undo"]) == (str(root), ["dark", "light"], None)
    changed = client.post("/api/label", json=CHANGES["label"]).json()
    assert changed["moves"] == [{"source": "dark/000.jpg", "target": "light/000-2.jpg"}]
    assert changed["undo"] == "1 image to light"
    assert client.post("/api/undo", json={}).json()["redo"] == "1 image to light"
    assert client.post("/api/discard", json=CHANGES["discard"]).json()["moves"][0]["target"] == f"{TRASH}/dark/000.jpg"
    assert client.post("/api/classes/add", json={"name": "bird"}).json()["classes"] == ["bird", "dark", "light"]
    assert client.post("/api/classes/rename", json={"class": "dark", "name": "light"}).json()["classes"] == [
        "bird",
        "light",
    ]
    assert client.post("/api/classes/remove", json={"class": "light"}).json()["classes"] == ["bird"]
    assert len(client.get("/api/images").json()["images"][""]) == 7


def test_thumbnails_and_large_images_are_upright_jpegs_that_browsers_may_keep(client: TestClient, root: Path) -> None:
    wide = Image.new("RGB", (900, 300), "red")
    turned = Image.Exif()
    turned[0x0112] = 6
    wide.save(root / "dark" / "turned.jpg", exif=turned)
    for _ in range(2):
        answer = client.get("/api/thumbnail", params={"id": "dark/turned.jpg", "v": "1"})
        assert Image.open(io.BytesIO(answer.content)).size == (SMALL // 3, SMALL)
        assert answer.headers["cache-control"].startswith("private")
    assert Image.open(io.BytesIO(client.get("/api/image?id=dark/turned.jpg").content)).size == (300, 900)
    assert client.get("/api/images").headers["cache-control"] == "no-store"
    (root / "dark" / "broken.jpg").write_bytes(b"no image")
    assert client.get("/api/thumbnail?id=dark/broken.jpg").status_code == 422
    assert client.get("/api/thumbnail?id=../x.jpg").status_code == 404
    assert client.get("/api/thumbnail").status_code == 400


@pytest.mark.parametrize(("kind", "ending"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("GIF", ".gif")])
def test_an_image_is_added_with_the_ending_of_its_content(
    client: TestClient, root: Path, kind: str, ending: str
) -> None:
    content = _encoded(kind)
    for place, named in (("dark", {"class": "dark"}), ("", {})):
        answer = client.post(
            "/api/images", params={"name": "my cat.exe", **named}, content=content, headers={"content-type": "image/x"}
        )
        assert answer.status_code == 200, answer.text
        assert (root / place / f"my cat{ending}").read_bytes() == content
    assert client.post("/api/undo", json={}).json()["moves"][0]["source"] == f"my cat{ending}"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "image/png", 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 422),
        (_encoded("PNG")[:60], "image/png", 422),
        (_encoded("BMP") + b"PK\x05\x06" + bytes(18), "image/bmp", 422),
        (_encoded("ICO"), "image/x-icon", 415),
        (_encoded("PNG", (1200, 1200), compress_level=9), "image/png", 413),
        (_encoded("BMP", (400, 400)), "image/bmp", 413),
        (_encoded("PNG"), "text/plain", 415),
        (_encoded("PNG"), "multipart/form-data; boundary=x", 415),
    ],
    ids=["empty", "svg", "cut off", "also a zip", "odd format", "too many pixels", "too large", "no image", "form"],
)
def test_a_hostile_upload_is_refused_and_leaves_nothing(
    client: TestClient, root: Path, content: bytes, kind: str, status: int
) -> None:
    before = _files(root)
    answer = client.post("/api/images?name=a.png", content=content, headers={"content-type": kind})
    assert answer.status_code in (status, 413), answer.text
    assert answer.json()["error"]
    assert _files(root) == before
    assert not (root / TRASH).exists() or not _files(root / TRASH)


@pytest.mark.parametrize(("large", "together"), [(40 * 48, 1), (40 * 48 + 1, 4)])
def test_large_images_are_decoded_one_at_a_time(
    root: Path, monkeypatch: pytest.MonkeyPatch, large: int, together: int
) -> None:
    now: list[str] = []
    most, ready = 0, Barrier(together)

    def decode(upload: Upload) -> str:
        nonlocal most
        now.append(upload.name)
        ready.wait(20)
        most = max(most, len(now))
        time.sleep(0.05)
        now.remove(upload.name)
        return whole_ending(upload)

    monkeypatch.setattr(image_routes, "whole_ending", decode)
    context = Context(ImageFolder(root), root.parent / "runs", Limits(large=large))
    content, kind = _encoded("PNG", (40, 48)), {"content-type": "image/png"}
    with TestClient(make_app(context)) as client, ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(client.post, f"/api/images?name={n}.png", content=content, headers=kind) for n in range(4)]
        assert [each.result().status_code for each in asked] == [200] * 4
    assert most == together


@pytest.mark.parametrize("path", CHANGES)
def test_a_page_of_another_site_changes_nothing(client: TestClient, root: Path, path: str) -> None:
    """It can send only these content types without asking first, and browsers tell where a request comes from."""
    before = _files(root)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert client.post(f"/api/{path}", content=b"{}", headers={"content-type": kind}).status_code == 415
    answer = client.post(f"/api/{path}", json=CHANGES[path], headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert client.options(f"/api/{path}").status_code == 405
    assert client.get("/api/label").status_code == 405
    assert _files(root) == before
    assert client.get("/api/jobs").json()["jobs"] == []
    assert client.get("/api/lesson/run").json()["state"] == "none"
    assert not any(client.get("/api/lesson").json()["answers"])


def test_the_token_and_the_host_are_required(root: Path) -> None:
    app = make_app(Context(ImageFolder(root), root.parent / "runs"), token="secret", hosts={"127.0.0.1"})
    with TestClient(app, base_url="http://127.0.0.1") as client:
        assert client.get("/").status_code == 200
        assert client.get("/api/images").status_code == 401
        assert client.post("/api/discard", json=CHANGES["discard"]).status_code == 401
        assert client.get("/api/images", headers={"authorization": "Bearer secret"}).status_code == 200
        assert client.get("/", headers={"host": "rebound.example"}).status_code == 400
    assert (root / "dark" / "000.jpg").is_file()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(["dark", "..", "/"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ids", "class", "name"]), inner),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from([path for path in CHANGES if path not in ("undo", "redo", "check", "teach", "lesson/stop")]),
    content=_VALUES,
)
def test_a_request_of_another_shape_is_refused(client: TestClient, path: str, content: Any) -> None:
    if isinstance(content, dict) and content.keys() == CHANGES[path].keys():
        content = [content]
    body, kind = json.dumps(content).encode(), {"content-type": "application/json"}
    answer = client.post(f"/api/{path}", content=body, headers=kind)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("expected a JSON object with")


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("label", {"ids": "dark/000.jpg", "class": "light"}, 400),
        ("label", {"ids": [1], "class": "light"}, 400),
        ("label", {"ids": ["dark/000.jpg"], "class": ["light"]}, 404),
        ("label", {"ids": ["dark/000.jpg"], "class": "cat"}, 404),
        ("discard", {"ids": ["dark/999.jpg"]}, 404),
        ("discard", {"ids": [f"dark/{'x' * 300}.jpg"]}, 404),
        ("classes/add", {"name": "a/b"}, 422),
        ("classes/add", {"name": "dark"}, 409),
        ("classes/rename", {"class": "cat", "name": "dog"}, 404),
        ("jobs/add", {"how": "minutes", "name": None, "minutes": 0}, 400),
        ("jobs/add", {"how": "minutes", "name": None, "minutes": True}, 400),
        ("jobs/add", {"how": "minutes", "name": None, "minutes": "3"}, 400),
        ("jobs/add", {"how": "minutes", "name": None, "minutes": None}, 400),
        ("jobs/add", {"how": "minutes", "name": "resnet", "minutes": 1}, 404),
        ("jobs/add", {"how": "auto", "name": None, "minutes": None}, 400),
        ("jobs/add", {"how": ["family"], "name": None, "minutes": None}, 400),
        ("jobs/add", {"how": "family", "name": "--help", "minutes": None}, 404),
        ("jobs/add", {"how": "family", "name": {}, "minutes": None}, 404),
        ("jobs/add", {"how": "family", "name": "auto", "minutes": 3}, 400),
        ("jobs/add", {"how": "project", "name": "../x.yaml", "minutes": None}, 404),
        ("jobs/add", {"how": "project", "name": "house-prices", "minutes": None}, 404),
        ("jobs/add", {"how": "resume", "name": "..", "minutes": None}, 404),
        ("jobs/stop", {"id": "0123456789abcdef"}, 404),
        ("jobs/resume", {"id": None}, 404),
        ("jobs/remove", {"id": ["../jobs"]}, 404),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    client: TestClient, root: Path, path: str, fields: dict[str, Any], status: int
) -> None:
    before = _files(root)
    answer = client.post(f"/api/{path}", json=fields)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert _files(root) == before


def test_a_disk_that_cannot_be_written_is_said(client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    before = _files(root)
    with monkeypatch.context() as patch:
        patch.setattr("os.rename", full)
        answer = client.post("/api/label", json=CHANGES["label"])
    assert (answer.status_code, answer.json()["error"]) == (
        507,
        "the folder cannot be changed: No space left on device",
    )
    assert _files(root) == before


def _ended(client: TestClient, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while (found := client.get(path).json())["state"] == "running":
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


def test_the_check_reports_findings_with_the_ids_of_images(client: TestClient, root: Path) -> None:
    (root / "light" / "same.jpg").write_bytes((root / "dark" / "001.jpg").read_bytes())
    assert client.post("/api/check", json={}).json()["state"] == "running"
    assert client.post("/api/check", json={}).status_code == 409
    found = _ended(client, "/api/check")
    assert (found["state"], found["error"]) == ("finished", None)
    conflict = next(each for each in found["report"]["findings"] if each["kind"] == "conflicting labels")
    assert set(conflict["images"][0]["ids"]) == {"dark/001.jpg", "light/same.jpg"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only names that are text")
def test_names_that_are_not_text_are_left_out_and_nothing_else(client: TestClient, root: Path) -> None:
    before = client.get("/api/images").json()["images"]
    odd = os.fsdecode(b"\xff")
    content = (root / "dark" / "000.jpg").read_bytes()
    (root / odd).mkdir()
    for place in (f"dark/{odd}.jpg", f"{odd}.jpg", f"{odd}/a.jpg"):
        (root / place).write_bytes(content)
    (root / f"{odd}.csv").write_text("file,label\ndark/000.jpg,light\n")
    assert client.get("/api/images").json()["images"] == before
    assert client.get("/api/label-file").json() == {"label_file": None}
    fields = {"ids": [f"dark/{odd}.jpg"], "class": "light"}
    kind = {"content-type": "application/json"}
    assert client.post("/api/label", content=json.dumps(fields), headers=kind).status_code == 404
    for name in (odd, "\ud800"):
        answer = client.post("/api/classes/add", content=json.dumps({"name": name}), headers=kind)
        assert answer.status_code == 422
    assert client.get("/api/images").json()["classes"] == ["dark", "light"]


def test_the_page_starts_without_keras() -> None:
    modules = "greycard.studio.app, greycard.deploy.serve.server"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {modules}; print('keras' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_another_address_needs_a_token(root: Path) -> None:
    with pytest.raises(GreycardError, match=r"everyone who can reach 0\.0\.0\.0 could change these images"):
        greycard.studio(root, host="0.0.0.0", port=0)


@pytest.mark.parametrize(
    ("path", "fields"), [("check", {}), ("jobs/add", {"how": "minutes", "name": None, "minutes": 1})]
)
def test_check_and_training_say_which_labels_are_missing(
    client: TestClient, root: Path, path: str, fields: dict[str, Any]
) -> None:
    client.post("/api/label", json={"ids": [f"dark/{number:03}.jpg" for number in range(3)], "class": None})
    answer = client.post(f"/api/{path}", json=fields)
    assert answer.status_code == 409
    assert answer.json()["error"] == "give every class at least 2 images first, or remove it: dark has 1"
    client.post("/api/classes/remove", json={"class": "dark"})
    answer = client.post(f"/api/{path}", json=fields)
    assert answer.json()["error"] == "label images of at least 2 classes first"
    assert client.get("/api/jobs").json()["jobs"] == []
