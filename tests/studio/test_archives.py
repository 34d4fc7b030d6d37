"""Zip files and Teachable Machine projects: one step adds them; a hostile one is refused and changes nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import image, make_folder
from greycard.datasets.archives import Most
from greycard.deploy.serve.limits import Limits
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images import archive, archive_routes
from greycard.studio.images.folder import TRASH, ImageFolder

LIMITS = Limits(body_bytes=300_000, pixels=1_000_000, seconds=5)


def _image(seed: int = 0, kind: str = "JPEG") -> bytes:
    content = io.BytesIO()
    image(seed, size=(8, 6)).save(content, kind)
    return content.getvalue()


def _zip(files: dict[str, bytes], **options: Any) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **options) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "pets", ("",), ("dark", "light"), 2)


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs", LIMITS))) as client:
        yield client


def _send(client: TestClient, content: bytes, name: str = "new.zip", **more: str) -> Any:
    headers = {"content-type": "application/zip"}
    return client.post("/api/archives", params={"name": name, **more}, content=content, headers=headers)


def _seen(root: Path) -> list[str]:
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and ".greycard" not in path.parts
    )


def _nothing_is_left(root: Path) -> bool:
    return not list((root / ".greycard").glob("archive-*"))


def _added(client: TestClient, root: Path, content: bytes, **more: str) -> list[str]:
    before = set(_seen(root))
    answer = _send(client, content, **more)
    assert answer.status_code == 200, answer.text
    assert _nothing_is_left(root)
    return sorted(set(_seen(root)) - before)


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["cat/1.jpg", "dog/1.jpg", "2.jpg"], ["cat/1.jpg", "dark/2.jpg", "dog/1.jpg"]),
        (["pets/cat/1.jpg", "pets/dog/1.jpg", "pets/2.jpg"], ["cat/1.jpg", "dark/2.jpg", "dog/1.jpg"]),
        (["cat/1.jpg", "cat/2.jpg"], ["cat/1.jpg", "cat/2.jpg"]),
        (["1.jpg", "2.jpg"], ["dark/1.jpg", "dark/2.jpg"]),
        (["cat/a/1.jpg", "cat/b/1.jpg", "dog/1.jpg"], ["cat/a-1.jpg", "cat/b-1.jpg", "dog/1.jpg"]),
        (["LIGHT/1.jpg", "Cat/1.jpg", "cat/1.jpg"], ["Cat/1-2.jpg", "Cat/1.jpg", "light/1.jpg"]),
        (["dark/000.jpg", "is it a cat?/1.jpg"], ["dark/000-2.jpg", "is it a cat/1.jpg"]),
        (
            ["__MACOSX/cat/._1.jpg", "cat/Thumbs.db", ".hidden/1.jpg", "cat/1.jpg", "dog/1.jpg"],
            ["cat/1.jpg", "dog/1.jpg"],
        ),
    ],
    ids=["folders", "one top", "one class", "flat", "deeper", "same name", "odd letters", "system files"],
)
def test_folders_in_a_zip_become_classes(client: TestClient, root: Path, names: list[str], places: list[str]) -> None:
    files = {name: _image(number) for number, name in enumerate(names)}
    assert _added(client, root, _zip(files), **{"class": "dark"}) == sorted(places)


def test_a_zip_is_one_step_that_can_be_undone_and_done_again(client: TestClient, root: Path) -> None:
    before, content = _seen(root), _zip({f"cat/{number}.png": _image(number, "PNG") for number in range(30)})
    answer = _send(client, content).json()
    assert (answer["added"], answer["undo"], answer["classes"]) == (30, "30 images added", ["cat", "dark", "light"])
    assert answer["left_out"] == {"count": 0, "reasons": []}
    assert (root / "cat" / "7.png").read_bytes() == _image(7, "PNG")
    after = _seen(root)
    assert len(client.post("/api/undo", json={}).json()["moves"]) == 30
    assert _seen(root) == before
    assert (root / TRASH / "cat" / "7.png").read_bytes() == _image(7, "PNG")
    client.post("/api/redo", json={})
    assert _seen(root) == after
    assert _send(client, content).json()["moves"][0]["target"] == "cat/0-2.png"


def test_what_is_no_whole_image_is_counted_and_named_and_the_others_are_added(client: TestClient, root: Path) -> None:
    large = io.BytesIO()
    image(1, size=(1200, 1200)).save(large, "PNG", compress_level=9)
    wrong = {
        "cat/notes.txt": b"soft",
        "cat/cut.png": _image(2, "PNG")[:60],
        "cat/script.svg": b"<svg/>",
        "cat/pixels.png": large.getvalue(),
        "cat/bytes.bmp": bytes(range(256)) * 1200,
        "cat/zip.bmp": _image(3, "BMP") + b"PK\x05\x06" + bytes(18),
        "cat/icon.ico": _image(4, "ICO"),
    }
    answer = _send(client, _zip({**wrong, "cat/1.jpg": _image(), "dog/renamed.txt": _image(5)})).json()
    assert (answer["added"], answer["left_out"]["count"]) == (2, 7)
    assert [reason.partition(" ")[0] for reason in answer["left_out"]["reasons"]] == list(wrong)[:5]
    assert [name for name in _seen(root) if name.startswith(("cat", "dog"))] == ["cat/1.jpg", "dog/renamed.jpg"]


def _teachable_machine(classes: dict[str, int]) -> bytes:
    """A project as the site saves it: no folders, and what it trained with in the manifest."""
    settings = {"publishResults": {}, "trainEpochs": 50, "trainBatchSize": 16, "trainLearningRate": 0.001}
    files = {
        f"{name}-!-{number}.jpg": _image(10 * place + number)
        for place, (name, count) in enumerate(classes.items())
        for number in range(count)
    }
    manifest = json.dumps({"type": "image", "version": "2.4.4", "appdata": settings})
    return _zip({**files, "manifest.json": manifest.encode()})


def test_a_teachable_machine_project_brings_its_classes(client: TestClient, root: Path) -> None:
    content = _teachable_machine({"Class 1": 3, "Katze/Chat": 2, "a-!-b": 1, "DARK": 1})
    answer = _send(client, content, "project.tm", **{"class": "light"})
    assert (answer.json()["added"], answer.json()["left_out"]["count"]) == (7, 0), answer.text
    assert [name for name in _seen(root) if not name.startswith("light")] == [
        *("Class 1/0.jpg", "Class 1/1.jpg", "Class 1/2.jpg", "KatzeChat/0.jpg", "KatzeChat/1.jpg", "a-!-b/0.jpg"),
        *("dark/0.jpg", "dark/000.jpg", "dark/001.jpg"),
    ]
    client.post("/api/undo", json={})
    assert len(_seen(root)) == 4


def test_a_project_that_was_unpacked_and_packed_again_is_one(client: TestClient, root: Path) -> None:
    names = ("project/cat-!-0.jpg", "project/Class 2-!-0.jpg")
    content = _zip({"project/manifest.json": b"{}", **{name: _image() for name in names}})
    assert _added(client, root, content) == ["Class 2/0.jpg", "cat/0.jpg"]
    assert _added(client, root, _zip({"manifest.json": b"{}", "bird/1.jpg": _image()})) == ["bird/1.jpg"]


def test_the_samples_of_one_class_go_to_the_class_shown(client: TestClient, root: Path) -> None:
    samples = _zip({f"{number}.jpg": _image(number) for number in range(3)})
    assert _added(client, root, samples, **{"class": "light"}) == ["light/0.jpg", "light/1.jpg", "light/2.jpg"]


def _encrypted() -> bytes:
    """Both headers say that the file needs a password."""
    content = bytearray(_zip({"a.jpg": _image()}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _link() -> bytes:
    link = zipfile.ZipInfo("a.jpg")
    link.external_attr = 0o120777 << 16
    return _zip({link: b"/etc/passwd"})  # type: ignore[dict-item]


def _lying() -> bytes:
    """A megabyte of zeros that both headers call 100 bytes."""
    content = bytearray(_zip({"a.jpg": bytes(1_000_000)}, compression=zipfile.ZIP_DEFLATED))
    for place in (22, content.index(b"PK\x01\x02") + 24):
        content[place : place + 4] = (100).to_bytes(4, "little")
    return bytes(content)


_NEW = {"a.jpg": _image()}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"not a zip", "is damaged or not a plain zip file"),
        (lambda: b"", "is damaged or not a plain zip file"),
        (lambda: _zip(_NEW)[:-30], "is damaged or not a plain zip file"),
        (lambda: _zip({**_NEW, "../b.jpg": _image()}), "'../b.jpg' leaves its folder or is a link"),
        (lambda: _zip({**_NEW, "/etc/b.jpg": _image()}), "leaves its folder or is a link"),
        (lambda: _zip({**_NEW, "C:\\b.jpg": _image()}), "leaves its folder or is a link"),
        (_link, "leaves its folder or is a link"),
        (_encrypted, "is encrypted"),
        (
            lambda: _zip({**_NEW, "zeros": bytes(9_000_000)}, compression=zipfile.ZIP_DEFLATED),
            "more data than is allowed",
        ),
        (_lying, "is damaged or not a plain zip file"),
        (lambda: _zip({f"{number}.jpg": b"" for number in range(51)}), "contains more than 50 files"),
        (lambda: _zip({f"{number:0200}.txt": b"" for number in range(300)}), "contains more than 50 files"),
        (lambda: _zip({}), "has no images"),
        (lambda: _zip({"notes.txt": b"soft", "cut.png": _image()[:40]}), "has no images"),
        (lambda: _zip({**_NEW, "con/b.jpg": _image()}), "'con' cannot be a class"),
        (lambda: _zip({**_NEW, "?/b.jpg": _image()}), "a class needs a name"),
        (
            lambda: _zip({f"{part}/cat/1.jpg": _image() for part in ("train", "val")}),
            "is already split into train and val",
        ),
    ],
    ids=[
        *("text", "empty", "cut off", "parent", "absolute", "drive", "link", "encrypted", "bomb", "lying bomb"),
        *("many files", "long list", "no files", "no images", "reserved name", "no name", "split"),
    ],
)
def test_a_hostile_archive_is_refused_and_leaves_nothing(
    client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes], words: str
) -> None:
    monkeypatch.setattr(archive, "MOST", Most(files=50, bytes=8_000_000))
    before = _seen(root)
    answer = _send(client, make())
    assert (answer.status_code, words in answer.json()["error"]) == (422, True), answer.text
    assert str(root) not in answer.text
    assert _seen(root) == before
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == [".greycard", "dark", "light"]
    assert _nothing_is_left(root)
    assert not (root / TRASH).exists()
    assert client.get("/api/images").json()["undo"] is None


def test_a_body_that_is_too_large_is_refused_and_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_routes, "_MOST_BYTES", 1_000_000)
    content = _zip({"a.jpg": _image(), "b.bin": bytes(range(256)) * 4000})
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs", LIMITS))) as client:
        assert _send(client, content[:900_000]).status_code == 422, "larger than the limit on an image"
        answer = _send(client, content)
        assert (answer.status_code, answer.json()["error"]) == (413, "the request is too large; expected at most 1 MB")
        parts = (content[start : start + 100_000] for start in range(0, len(content), 100_000))
        assert _send(client, parts).status_code == 413  # type: ignore[arg-type]  # without a length
        image_kind = {"content-type": "image/jpeg"}
        assert client.post("/api/images?name=a.jpg", content=content[:400_000], headers=image_kind).status_code == 413
    assert _nothing_is_left(root)
    assert len(_seen(root)) == 4


def test_a_page_of_another_site_adds_nothing(root: Path) -> None:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"), token="secret")) as client:
        assert _send(client, _zip(_NEW)).status_code == 401
        client.headers["authorization"] = "Bearer secret"
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            answer = client.post("/api/archives?name=a.zip", content=_zip(_NEW), headers={"content-type": kind})
            assert answer.status_code == 415
        kind = "application/zip"
        headers = {"content-type": kind, "sec-fetch-site": "cross-site"}
        assert client.post("/api/archives?name=a.zip", content=_zip(_NEW), headers=headers).status_code == 403
        assert client.post("/api/archives", content=_zip(_NEW), headers={"content-type": kind}).status_code == 400
        assert client.options("/api/archives").status_code == 405
        assert _send(client, _zip(_NEW), **{"class": "bird"}).status_code == 404
    assert len(_seen(root)) == 4
    assert _nothing_is_left(root)


def test_what_a_killed_server_has_unpacked_is_removed_at_the_next_start(root: Path) -> None:
    left = root / ".greycard" / "archive-abc" / "content"
    left.mkdir(parents=True)
    (left / "0").write_bytes(_image())
    make_app(Context(ImageFolder(root), root.parent / "runs"))
    assert _nothing_is_left(root)


def test_a_full_disk_is_said_and_leaves_nothing(
    client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    before = _seen(root)
    with monkeypatch.context() as patch:
        patch.setattr(archive_routes, "read_archive", full)
        answer = _send(client, _zip(_NEW))
    assert (answer.status_code, answer.json()["error"]) == (
        507,
        "the folder cannot be changed: No space left on device",
    )
    assert _seen(root) == before
    assert _nothing_is_left(root)


_SERVE = "import greycard; greycard.studio('pets', port=0, on_ready=lambda address: print(address, flush=True))"


def _most_memory(process: subprocess.Popen[str]) -> int:
    """The most bytes that the process has held so far."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) << 10


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the most memory of a process is read from /proc")
def test_a_large_archive_is_not_held_in_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as made:
        made.writestr("cat/1.jpg", _image())
        for number in range(30):
            made.writestr(f"cat/{number}.bin", os.urandom(1_000_000) * 10)
    words = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            assert process.stdout
            address, before = process.stdout.readline().strip(), _most_memory(process)
            with (tmp_path / "large.zip").open("rb") as body:
                headers = {
                    "Content-Type": "application/zip",
                    "Content-Length": str((tmp_path / "large.zip").stat().st_size),
                }
                request = urllib.request.Request(f"{address}api/archives?name=large.zip", body, headers)
                with urllib.request.urlopen(request, timeout=120) as answer:
                    found = json.load(answer)
            assert (found["added"], found["left_out"]["count"]) == (1, 30)
            assert _most_memory(process) - before < 120_000_000, "a part of the 300 MB"
        finally:
            process.kill()
    assert _nothing_is_left(tmp_path / "pets")
