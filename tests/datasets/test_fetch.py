"""Downloads, from a server on 127.0.0.1 that the test starts: verified, resumed, unpacked safely, all or nothing."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.datasets import archives, catalog, download, fetch
from greycard.datasets.archives import unpack
from greycard.datasets.digests import manifest_of


class Server:
    """Serves bytes by name, with byte ranges; can break off after some bytes, or answer with an error."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.break_after: int | None = None
        self.ranges = True
        self.requests: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/{name}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        name, wanted = handler.path.lstrip("/"), handler.headers.get("Range")
        self.requests.append((name, wanted))
        if name not in self.files:
            handler.send_error(404)
            return
        if wanted and self.ranges and wanted == f"bytes={len(self.files[name])}-":
            handler.send_error(416)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        body = self.files[name][start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        cut, self.break_after = self.break_after, None
        handler.wfile.write(body[:cut])

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _zip_of(folder: Path, prefix: str = "") -> bytes:
    files = {f"{prefix}{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*.jpg")}
    return _zip(files | {"__MACOSX/._x.jpg": b"resource fork", "happy/.DS_Store": b"hidden"})


def _get(server: Server, name: str, target: Path, digest: str | None, size: int | None = None) -> None:
    download.download(server.url(name), target, digest=digest, size=size, progress=lambda done, total: None)


CONTENT = bytes(range(256)) * 4000


def test_a_download_is_verified_and_named_when_whole(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT
    _get(server, "file", tmp_path / "deep" / "file", _sha256(CONTENT), len(CONTENT))
    assert (tmp_path / "deep" / "file").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file"]


def test_a_broken_connection_is_resumed(server: Server, tmp_path: Path) -> None:
    server.files["file"], server.break_after = CONTENT, 300_000
    _get(server, "file", tmp_path / "file", _sha256(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.requests == [("file", None), ("file", "bytes=300000-")]


def test_what_an_earlier_call_left_is_continued(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    _get(server, "file", tmp_path / "file", _sha256(CONTENT))
    assert server.requests == [("file", "bytes=1000-")]
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.files["file"], server.ranges = CONTENT, False
    (tmp_path / "file.part").write_bytes(b"something else")
    _get(server, "file", tmp_path / "file", hashlib.md5(CONTENT).hexdigest())
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_no_dead_end(server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT
    (tmp_path / "file.part").write_bytes(CONTENT)
    _get(server, "file", tmp_path / "file", _sha256(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_foreign_files_in_the_place_are_reported(happy: bytes, tmp_path: Path, cli) -> None:
    place = tmp_path / "data" / "happy-or-sad"
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")
    outcome = cli("fetch", "happy-or-sad", "--data-dir", tmp_path / "data")
    assert outcome.code == 2
    assert "has files that do not belong to Happy or Sad" in outcome.err
    assert (place / "notes.txt").read_text() == "mine"


def test_an_unverified_download_left_lying_is_fetched_again(happy: bytes, tmp_path: Path, cli) -> None:
    waiting = tmp_path / "data" / ".downloads" / "happy-or-sad.zip"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(b"half")
    assert cli("fetch", "happy-or-sad", "--data-dir", tmp_path / "data").code == 0


@pytest.mark.parametrize("size", [None, len(CONTENT) - 5])
def test_wrong_content_is_refused_and_removed(size: int | None, server: Server, tmp_path: Path) -> None:
    server.files["file"] = CONTENT
    with pytest.raises(GreycardError, match="is not the published file"):
        _get(server, "file", tmp_path / "file", "0" * 64, size)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_one_clear_error(server: Server, tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="404"):
        _get(server, "nothing", tmp_path / "file", None)
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside", "a/../../outside", "C:\\outside", "..\\outside"])
def test_no_path_leaves_the_folder(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(_zip({"fine.txt": b"1", name: b"2"}))
    with pytest.raises(GreycardError, match="not safe to unpack"):
        unpack(archive, "", tmp_path / "inside")
    assert [path.name for path in tmp_path.iterdir()] == ["archive.zip"]


def test_no_link_is_unpacked(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(GreycardError, match="not safe"):
        unpack(tmp_path / "archive.zip", "", tmp_path / "inside")


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.zip").write_bytes(_zip({"zeros": b"\0" * 20_000_000}))
    monkeypatch.setattr(archives, "MAX_RATIO", 100)
    with pytest.raises(GreycardError, match="more data than is allowed"):
        unpack(tmp_path / "bomb.zip", "", tmp_path / "inside")
    assert not (tmp_path / "inside").exists()


@pytest.mark.parametrize("cut", [10, 200, 5000])
def test_a_truncated_archive_leaves_nothing(cut: int, tmp_path: Path) -> None:
    whole = _zip({f"{n}.bin": bytes(range(256)) * 20 for n in range(30)})
    (tmp_path / "archive.zip").write_bytes(whole[:-cut])
    with pytest.raises(GreycardError, match="damaged"):
        unpack(tmp_path / "archive.zip", "", tmp_path / "inside")
    assert not (tmp_path / "inside").exists()


@pytest.fixture
def happy(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The happy-or-sad entry of the catalog, served here with images made here."""
    data = _zip_of(make_folder(tmp_path / "made", ("",), ("happy", "sad"), 5))
    server.files["happy-or-sad.zip"] = data
    _serve("happy-or-sad", server, monkeypatch, {"happy-or-sad.zip": _sha256(data)})
    return data


def _serve(name: str, server: Server, monkeypatch: pytest.MonkeyPatch, digests: dict[str, str | None]) -> None:
    """Point an entry's downloads at the local server."""

    def local(entry: catalog.Entry) -> catalog.Entry:
        if entry.name != name:
            return entry
        items = (replace(i, url=server.url(i.file), sha256=digests[i.file], size=None) for i in entry.downloads)
        return replace(entry, downloads=tuple(items))

    monkeypatch.setattr(catalog, "CATALOG", tuple(local(entry) for entry in catalog.CATALOG))


def test_fetch_from_the_command_line(happy: bytes, server: Server, tmp_path: Path, cli) -> None:
    data = tmp_path / "data"
    data.mkdir()
    outcome = cli("fetch", "happy-or-sad", "--data-dir", data)
    assert (outcome.code, outcome.out) == (0, f"happy-or-sad: fetched and verified, in {data}\n")
    again = cli("fetch", "happy-or-sad", "--data-dir", data)
    assert "already present" in again.out
    assert len(server.requests) == 1
    assert sorted(path.name for path in (data / "happy-or-sad").iterdir()) == [
        ".greycard-manifest.txt",
        "happy",
        "sad",
    ]


def test_what_was_fetched_is_verified_ever_after(happy: bytes, tmp_path: Path, cli) -> None:
    import greycard

    data = tmp_path / "data"
    data.mkdir()
    cli("fetch", "happy-or-sad", "--data-dir", data)
    assert len(greycard.load_dataset("happy-or-sad", data).train) == 8
    (data / "happy-or-sad" / "sad" / "000.jpg").write_bytes(b"damaged")
    with pytest.raises(GreycardError, match=r"sad/000\.jpg \(damaged or changed\)"):
        greycard.load_dataset("happy-or-sad", data)


def test_an_archive_the_user_brought_is_used(happy: bytes, server: Server, tmp_path: Path, cli) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "happy-or-sad.zip").write_bytes(happy)
    assert cli("fetch", "happy-or-sad", "--data-dir", data).code == 0
    assert not server.requests
    assert (data / "happy-or-sad.zip").is_file()


def test_another_file_under_that_name_is_named(happy: bytes, tmp_path: Path, cli) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "happy-or-sad.zip").write_bytes(b"another")
    outcome = cli("fetch", "happy-or-sad", "--data-dir", data)
    assert outcome.code == 2
    assert "is not the published file" in outcome.err
    assert [path.name for path in data.iterdir()] == ["happy-or-sad.zip"]


def test_files_that_stay_packed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files["mnist.npz"] = CONTENT
    _serve("mnist", server, monkeypatch, {"mnist.npz": _sha256(CONTENT)})
    assert fetch.fetch("mnist", tmp_path)
    assert (tmp_path / "mnist" / "mnist.npz").read_bytes() == CONTENT


@pytest.mark.parametrize("complete", [True, False])
def test_an_archive_without_a_published_hash_is_verified_by_content(
    complete: bool, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_folder(tmp_path / "made", ("train", "validation"), ("cats", "dogs"), 2)
    manifest = manifest_of(made, list(made.rglob("*.jpg")))
    if not complete:
        next((made / "train" / "cats").iterdir()).write_bytes(b"other")
    files = {f"cats_and_dogs_filtered/{p.relative_to(made).as_posix()}": p.read_bytes() for p in made.rglob("*.jpg")}
    server.files["cats_and_dogs_filtered.zip"] = _zip(files | {"cats_and_dogs_filtered/vectorize.py": b"stray"})
    _serve("cats-and-dogs-filtered", server, monkeypatch, {"cats_and_dogs_filtered.zip": None})
    known = {path: digest for digest, path in (line.split(" ", 1) for line in manifest.splitlines())}
    monkeypatch.setattr(fetch, "known_files", lambda name: known)
    (tmp_path / "data").mkdir()
    if complete:
        assert fetch.fetch("cats-and-dogs-filtered", tmp_path / "data")
    else:
        with pytest.raises(GreycardError, match="is not what was published"):
            fetch.fetch("cats-and-dogs-filtered", tmp_path / "data")
    assert (tmp_path / "data" / "cats_and_dogs_filtered").exists() == complete


def test_kaggle_data_says_how_to_get_it(tmp_path: Path, cli) -> None:
    outcome = cli("fetch", "sign-language-mnist", "--data-dir", tmp_path)
    assert outcome.code == 2
    assert "sign_mnist_train.csv" in outcome.err
    assert "kaggle" in outcome.err


def test_fetch_without_a_name_lists_what_there_is(tmp_path: Path, cli) -> None:
    outcome = cli("fetch", "--data-dir", tmp_path)
    assert outcome.code == 0
    assert all(entry.name in outcome.out for entry in catalog.CATALOG)
