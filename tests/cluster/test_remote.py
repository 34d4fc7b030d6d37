"""Images and parts in S3 and Google Cloud Storage, on servers of this machine: the answers of local files."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.datasets import remote_image
from greycard.datasets.images import UnreadableImageError
from greycard.datasets.remote_image import image_bytes
from greycard.reports.thumbnails import file_thumbnail
from greycard.storage import object_store
from greycard.storage.parts import MANIFEST, RECORD
from processes import start, wait

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_is_left")]

HOST = "127.0.0.1"
PARTS = ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]
VARIABLES = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST"}
GOOGLE = """
import sys
from http import server
server.HTTPServer = server.ThreadingHTTPServer  # pyarrow begins to read an object, then reads a range of it
from gcp_storage_emulator.__main__ import main
main(["start", "-H", "127.0.0.1", "--port", sys.argv[1], "--in-memory", "--quiet"])
"""


@dataclass(frozen=True)
class Storage:
    """A server of this machine that answers as S3 or Google Cloud Storage does.

    Attributes:
        scheme: `s3` or `gs`.
        server: its address.
        files: its buckets and objects.
    """

    scheme: str
    server: str
    files: Any

    def at(self, path: str) -> str:
        """The address of an object or a folder."""
        return f"{self.scheme}://{path}"


@contextmanager
def served(command: list[str], port: int) -> Iterator[str]:
    """The address of a server, which is ended after the block."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                socket.create_connection((HOST, port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"{HOST}:{port}"
    finally:
        process.kill()
        process.communicate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


@contextmanager
def _s3() -> Iterator[Storage]:
    from pyarrow.fs import S3FileSystem

    program = shutil.which("moto_server", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        pytest.skip("needs moto (the extra `tested-extras`)")
    port = _free_port()
    with served([program, "-H", HOST, "-p", str(port)], port) as server:
        keys = {"access_key": "a", "secret_key": "b", "region": "us-east-1"}
        where = {"endpoint_override": server, "scheme": "http"}
        yield Storage("s3", server, S3FileSystem(**keys, **where, allow_bucket_creation=True, allow_delayed_open=True))


@contextmanager
def _gs() -> Iterator[Storage]:
    from pyarrow.fs import GcsFileSystem

    if find_spec("gcp_storage_emulator") is None:
        pytest.skip("needs gcp-storage-emulator (the extra `tested-extras`)")
    port = _free_port()
    with served([sys.executable, "-c", GOOGLE, str(port)], port) as server:
        where = {"endpoint_override": server, "scheme": "http", "anonymous": True}
        yield Storage("gs", server, GcsFileSystem(**where, project_id="test"))


@pytest.fixture(scope="module", params=["s3", "gs"])
def storage(request: pytest.FixtureRequest, images: Path) -> Iterator[Storage]:
    """A storage with two buckets; below photos/2026 are the images of a folder, and a file that is none."""
    with {"s3": _s3, "gs": _gs}[request.param]() as found:
        found.files.create_dir("photos")
        found.files.create_dir("answers")
        for path in (*sorted(images.rglob("*.jpg")), None):
            name = path.relative_to(images).as_posix() if path else "notes.md"
            with found.files.open_output_stream(f"photos/2026/{name}") as file:
                file.write(path.read_bytes() if path else b"notes")
        yield found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    root = make_folder(tmp_path_factory.mktemp("remote") / "images", ("train", "validation"), ("dark", "light"), 12)
    small: dict[str, Any] = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
    return greycard.train(root, weights="none", out=root.parent / "runs", quiet=True, **small)


@pytest.fixture(scope="module")
def images(run: greycard.Run) -> Path:
    """A folder with 24 images and one that is damaged."""
    root = run.path.parents[1] / "images" / "train"
    (root / "light" / "broken.jpg").write_bytes(b"no image")
    return root


@pytest.fixture(autouse=True)
def _environment(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLES[storage.scheme], f"http://{storage.server}/")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def rows(storage: Storage, folder: str) -> list[dict[str, Any]]:
    """All answers below a prefix, in order, and nothing else but the manifest and the record."""
    from pyarrow import parquet
    from pyarrow.fs import FileSelector

    names = {info.base_name for info in storage.files.get_file_info(FileSelector(folder))}
    assert names == {MANIFEST, RECORD, *PARTS}
    found = []
    for name in PARTS:
        with storage.files.open_input_file(f"{folder}/{name}") as file:
            found += parquet.read_table(file).to_pylist()
    return found


def test_answers_from_and_to_storage_are_those_of_files(
    run: greycard.Run, images: Path, storage: Storage, tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    source, answers = storage.at("photos/2026"), storage.at("answers/one")
    words = ("predict", run.path, source, "--answers", answers, "--shard", 10, "--quiet")
    said = cli(*words)
    assert said.code == 1, said.err
    assert f"{answers}: 25 images in 3 parts, 1 could not be read" in said.out
    assert f"{source}/light/broken.jpg: not an image" in said.out
    run.predict_to(tmp_path / "all.parquet", images)
    found, expected = rows(storage, "answers/one"), parquet.read_table(tmp_path / "all.parquet").to_pylist()
    assert [row["path"] for row in found] == [
        f"{source}/{Path(row['path']).relative_to(images).as_posix()}" for row in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one["class"] == other["class"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)
    storage.files.delete_file(f"answers/one/{PARTS[1]}")
    kept = storage.files.get_file_info(f"answers/one/{PARTS[0]}").mtime
    assert "25 images in 3 parts" in cli(*words).out
    assert rows(storage, "answers/one") == found
    assert storage.files.get_file_info(f"answers/one/{PARTS[0]}").mtime == kept
    assert "has parts of --top 1. Received: --top 2" in cli(*words, "--top", 2).err


def test_shares_compute_their_own_parts_where_there_are_no_locks(
    run: greycard.Run, images: Path, storage: Storage, cli: Any
) -> None:
    source, answers = storage.at("photos/2026"), storage.at("answers/shares")
    words = ("embed", run.path, source, "--answers", answers, "--shard", 10, "--quiet")
    said = cli(*words, "--share", "1/2")
    assert "10 images in 1 part of 3; the others belong to other processes" in said.out
    refused = cli("similar", run.path, images / "dark" / "001.jpg", answers)
    assert (refused.code, f"{answers} is unfinished: it has 1 of 3 parts" in refused.err) == (2, True)
    assert "25 images in 3 parts, 1 could not be read" in cli(*words, "--share", "0/2").out
    assert [row["path"] for row in rows(storage, "answers/shares")] == [
        f"{source}/{path.relative_to(images).as_posix()}"
        for path in sorted(images.rglob("*.jpg"))
        if path.name != "broken.jpg"
    ]


def test_similar_images_and_a_map_come_from_parts(
    run: greycard.Run, images: Path, storage: Storage, tmp_path: Path, cli: Any
) -> None:
    source, vectors = storage.at("photos/2026"), storage.at("answers/vectors")
    words = ("embed", run.path, source, "--answers", vectors, "--shard", 10, "--quiet")
    assert cli(*words, "--map", tmp_path / "map.html").code == 1  # an image is damaged
    assert (tmp_path / "map.html").read_text().count("data:image/jpeg") == 24
    page = ("--sheet", tmp_path / "similar.html", "--quiet")
    said = cli("similar", run.path, images / "dark" / "003.jpg", vectors, "-k", "24", *page)
    found = [line.split("\t") for line in said.out.splitlines()]
    assert sorted(line[0] for line in found) == [row["path"] for row in rows(storage, "answers/vectors")]
    assert f"{source}/dark/003.jpg" in [line[0] for line in found if line[-1] == "same"]
    assert (tmp_path / "similar.html").read_text().count("data:image/jpeg") == 25
    said = cli("similar", run.path, images / "dark" / "003.jpg", source)
    assert (said.code, f"{source} is not a folder of feature vectors" in said.err) == (2, True)


def test_a_check_of_a_prefix_finds_what_a_check_of_the_files_finds(
    images: Path, storage: Storage, tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    content = (images / "dark" / "001.jpg").read_bytes()
    with storage.files.open_output_stream("photos/2026/again.png") as file:
        file.write(content)
    (images / "again.png").write_bytes(content)
    source = storage.at("photos/2026")
    (tmp_path / "files.txt").write_text("\n".join(str(path) for path in sorted(images.rglob("*.[jp][pn]g"))))
    words = ("--out", tmp_path, "--strict", "--quiet")
    there, here = cli("check", source, *words), cli("check", tmp_path / "files.txt", *words)
    storage.files.delete_file("photos/2026/again.png")
    (images / "again.png").unlink()
    assert (there.code, here.code) == (1, 1)
    assert "26 images checked" in there.out
    assert "the same file" in there.out
    for name in ("unreadable.parquet", "files.parquet", "duplicates.parquet"):
        remote, local = (parquet.read_table(tmp_path / f"{each}-check" / name) for each in ("2026", "files"))
        expected = [row | {"path": row["path"].replace(f"{images}/", f"{source}/")} for row in local.to_pylist()]
        assert remote.to_pylist() == expected


def test_what_ray_has_begun_is_continued_here(run: greycard.Run, storage: Storage, cli: Any) -> None:
    """Processes of Ray read and write there; after a kill the same command computes what is missing, nothing twice."""
    if find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    if storage.scheme == "gs":
        pytest.skip("the processes and the order of their work are those of S3")
    source, answers = storage.at("photos/2026"), storage.at("answers/ray")
    words = ["embed", str(run.path), source, "--answers", answers, "--shard", "10", "--quiet"]
    parts = [f"answers/ray/{name}" for name in PARTS]
    process = start(*words, "--on", "processes:2")
    wait(lambda: any(info.is_file for info in storage.files.get_file_info(parts)), process)
    process.kill()
    process.communicate()
    kept = {info.path: info.mtime for info in storage.files.get_file_info(parts) if info.is_file}
    assert cli(*words).code == 1  # one image is damaged
    assert len(rows(storage, "answers/ray")) == 24
    assert {info.path: info.mtime for info in storage.files.get_file_info(list(kept))} == kept


def test_a_too_large_object_is_unreadable_and_never_cut(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    address = storage.at("photos/2026/dark/001.jpg")
    assert file_thumbnail(address, 8) is not None
    monkeypatch.setattr(remote_image, "_MOST_BYTES", len(image_bytes(address)) - 1)
    with pytest.raises(UnreadableImageError, match="more than 1 GiB"):
        image_bytes(address)
    assert file_thumbnail(address, 8) is None


def test_a_large_part_is_whole(storage: Storage, tmp_path: Path) -> None:
    """Above some megabytes it is uploaded in pieces."""
    (tmp_path / "large").write_bytes(content := os.urandom(12_000_000))
    object_store.put(tmp_path / "large", storage.at("answers/large"))
    with object_store.opened(storage.at("answers/large")) as file:
        file.seek(11_000_000)
        assert file.read(10) == content[11_000_000:11_000_010]
        file.seek(0)
        assert file.read() == content


def test_an_interrupted_part_is_whole(storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part, copy = tmp_path / "part", object_store._copy
    part.write_bytes(os.urandom(3 << 20))

    def interrupted(file: Path, address: str) -> None:
        time.sleep(0.2)  # `put` waits
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)  # it would have left
        copy(file, address)

    monkeypatch.setattr(object_store, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        object_store.put(part, storage.at("answers/interrupted"))
    with storage.files.open_input_file("answers/interrupted") as file:
        assert file.read() == part.read_bytes()


def test_a_list_in_storage_names_objects_and_files(
    run: greycard.Run, images: Path, storage: Storage, tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    missing = storage.at("photos/2026/none.jpg")
    names = [storage.at("photos/2026/dark/001.jpg"), str(images / "dark" / "002.jpg"), missing]
    with storage.files.open_output_stream("photos/list.txt") as file:
        file.write("\n".join(names).encode())
    said = cli("predict", run.path, storage.at("photos/list.txt"), "--answers", tmp_path / "answers", "--quiet")
    assert f"{missing}: No such object" in said.out
    found = parquet.read_table(tmp_path / "answers" / PARTS[0]).to_pylist()
    assert [row["path"] for row in found] == names
    assert [row["error"] for row in found] == [None, None, "No such object"]


def test_addresses_that_can_be_no_object_are_unreadable_images(
    run: greycard.Run, storage: Storage, tmp_path: Path, cli: Any
) -> None:
    """An inventory of a bucket lists folder markers: they must not stop the work."""
    from pyarrow import parquet

    why = {
        "photos/2026/": "the address of a folder, not of an object",
        "photos": "the address of a folder, not of an object",
        "": "an address without a bucket",
        "/x.jpg": "an address without a bucket",
        "photos//x.jpg": "an address with an empty name between two slashes",
        "photos/2026/\udcff.jpg": "an address that is not text in UTF-8",
        "\udcff/x.jpg": "an address that is not text in UTF-8",
        f"photos/{'x' * 1025}": "an address whose name has more than 1,024 bytes",
    }
    names = [storage.at(path) for path in ("photos/2026/dark/001.jpg", *why)]
    (tmp_path / "list.txt").write_bytes("\n".join(names).encode("utf-8", "surrogateescape"))
    for command in ("predict", "embed"):
        said = cli(command, run.path, tmp_path / "list.txt", "--answers", tmp_path / command, "--quiet")
        assert (said.code, f"{len(names)} images in 1 part, {len(why)} could not be read" in said.out) == (1, True), (
            said.err
        )
    found = parquet.read_table(tmp_path / "predict" / PARTS[0]).to_pylist()
    assert [row["error"] for row in found] == [None, *why.values()]
    said = cli("check", tmp_path / "list.txt", "--out", tmp_path, "--strict", "--quiet")
    assert (said.code, f"{len(names)} images checked" in said.out) == (1, True), said.err
    found = parquet.read_table(tmp_path / "list-check" / "unreadable.parquet").to_pylist()
    assert [row["error"] for row in found] == list(why.values())


@pytest.mark.parametrize(
    ("source", "answers", "sentence"),
    [
        ("nothing/2026", "answers/a", "the bucket of {}nothing/2026 does not exist"),
        ("nothing/list.txt", "answers/a", "the list {}nothing/list.txt does not exist"),
        ("photos/2027", "answers/a", "{}photos/2027 does not exist"),
        ("photos/2026", "nothing/a", "does not exist"),
        ("photos/2026", "/a", "{}/a has no bucket"),
        ("photos//2026", "answers/a", "{}photos//2026 is an address with an empty name between two slashes"),
        ("photos/2026/dark/000.jpg", None, "is in remote storage, whose images are predicted in shards"),
    ],
)
def test_a_mistake_is_one_sentence(
    source: str, answers: str | None, sentence: str, run: greycard.Run, storage: Storage, cli: Any
) -> None:
    to = ("--answers", storage.at(answers)) if answers else ()
    said = cli("predict", run.path, storage.at(source), *to, "--quiet")
    assert (said.code, sentence.format(storage.at("")) in said.err) == (2, True), said.err
    assert len(said.err.strip().splitlines()) == 2
    assert storage.files.get_file_info("answers/a").type.name == "NotFound"


class _Denied(BaseHTTPRequestHandler):
    """Denies every request."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Print nothing."""


def test_denied_access_is_one_sentence(
    run: greycard.Run, storage: Storage, monkeypatch: pytest.MonkeyPatch, cli: Any, tmp_path: Path
) -> None:
    with ThreadingHTTPServer((HOST, 0), _Denied) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv(VARIABLES[storage.scheme], f"http://{HOST}:{server.server_port}")
        said = [
            cli("predict", run.path, storage.at("photos/2026"), "--answers", storage.at("answers/c"), "--quiet"),
            cli("predict", run.path, storage.at("photos/2026"), "--answers", tmp_path / "c", "--quiet"),
        ]
        server.shutdown()
    for each, address in zip(said, (storage.at("answers/c"), storage.at("photos/2026")), strict=True):
        assert each.code == 2
        assert f"error: {address} cannot be used: access is denied, or there are no credentials\n" in each.err
        assert {"s3": "AWS_PROFILE", "gs": "GOOGLE_APPLICATION_CREDENTIALS"}[storage.scheme] in each.err


def test_a_server_that_does_not_answer_is_one_sentence(
    run: greycard.Run, storage: Storage, monkeypatch: pytest.MonkeyPatch, cli: Any
) -> None:
    monkeypatch.setattr(object_store, "_SECONDS_TO_ANSWER", 1.0)
    monkeypatch.setenv(VARIABLES[storage.scheme], f"http://{HOST}:9")
    answers = storage.at("answers/b")
    said = cli("predict", run.path, storage.at("photos/2026"), "--answers", answers, "--quiet")
    assert said.code == 2
    assert said.err == (
        f"error: {answers} cannot be reached: Could not connect to server\n"
        f"hint: check the network, and {VARIABLES[storage.scheme]} if it is set\n"
    )
