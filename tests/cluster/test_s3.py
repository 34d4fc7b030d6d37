"""Images and parts in S3, on a server of this machine: the answers of local files, and one sentence for a mistake."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.cluster import object_store
from greycard.cluster.shards import MANIFEST, RECORD
from processes import start, wait

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_is_left")]

HOST = "127.0.0.1"
PARTS = ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that answers as S3 does."""
    program = shutil.which("moto_server", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        pytest.skip("needs moto (the extra `tested-extras`)")
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([program, "-H", HOST, "-p", str(port)], stderr=subprocess.DEVNULL)
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


@pytest.fixture(scope="module")
def store(server: str) -> Any:
    """The file system of the server, with two buckets."""
    from pyarrow.fs import S3FileSystem

    found = S3FileSystem(
        access_key="a",
        secret_key="b",
        region="us-east-1",
        endpoint_override=server,
        scheme="http",
        allow_bucket_creation=True,
        allow_delayed_open=True,
    )
    found.create_dir("photos")
    found.create_dir("answers")
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    root = make_folder(tmp_path_factory.mktemp("s3") / "images", ("train", "validation"), ("dark", "light"), 12)
    small: dict[str, Any] = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
    return greycard.train(root, weights="none", out=root.parent / "runs", quiet=True, **small)


@pytest.fixture
def photos(store: Any, server: str, run: greycard.Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The images of a folder, also below s3://photos/2026, with one that is damaged and a file that is none."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    root = run.path.parents[1] / "images" / "train"
    (root / "light" / "broken.jpg").write_bytes(b"no image")
    for path in (*sorted(root.rglob("*.jpg")), None):
        name = path.relative_to(root).as_posix() if path else "notes.md"
        with store.open_output_stream(f"photos/2026/{name}") as file:
            file.write(path.read_bytes() if path else b"notes")
    return root


def rows(store: Any, folder: str) -> list[dict[str, Any]]:
    """All answers below a prefix, in order, and nothing else but the manifest and the record."""
    from pyarrow import parquet
    from pyarrow.fs import FileSelector

    names = {info.base_name for info in store.get_file_info(FileSelector(folder))}
    assert names == {MANIFEST, RECORD, *PARTS}
    found = []
    for name in PARTS:
        with store.open_input_file(f"{folder}/{name}") as file:
            found += parquet.read_table(file).to_pylist()
    return found


def test_answers_from_s3_to_s3_are_those_of_files(
    run: greycard.Run, photos: Path, store: Any, tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    words = ("predict", run.path, "s3://photos/2026", "--answers", "s3://answers/one", "--shard", 10, "--quiet")
    said = cli(*words)
    assert said.code == 1
    assert "s3://answers/one: 25 images in 3 parts, 1 could not be read" in said.out
    assert "s3://photos/2026/light/broken.jpg: not an image" in said.out
    run.predict_to(tmp_path / "all.parquet", photos)
    found, expected = rows(store, "answers/one"), parquet.read_table(tmp_path / "all.parquet").to_pylist()
    prefix = "s3://photos/2026/"
    assert [row["path"] for row in found] == [
        prefix + Path(row["path"]).relative_to(photos).as_posix() for row in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one["class"] == other["class"]
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)
    store.delete_file(f"answers/one/{PARTS[1]}")
    kept = store.get_file_info(f"answers/one/{PARTS[0]}").mtime
    assert "25 images in 3 parts" in cli(*words).out
    assert rows(store, "answers/one") == found
    assert store.get_file_info(f"answers/one/{PARTS[0]}").mtime == kept
    assert "has parts of --top 1. Received: --top 2" in cli(*words, "--top", 2).err


def test_shares_compute_their_own_parts_where_there_are_no_locks(
    run: greycard.Run, photos: Path, store: Any, cli: Any
) -> None:
    words = ("embed", run.path, "s3://photos/2026", "--answers", "s3://answers/shares", "--shard", 10, "--quiet")
    said = cli(*words, "--share", "1/2")
    assert "10 images in 1 part of 3; the others belong to other processes" in said.out
    assert "25 images in 3 parts, 1 could not be read" in cli(*words, "--share", "0/2").out
    assert [row["path"] for row in rows(store, "answers/shares")] == [
        f"s3://photos/2026/{path.relative_to(photos).as_posix()}"
        for path in sorted(photos.rglob("*.jpg"))
        if path.name != "broken.jpg"
    ]


def test_what_ray_has_begun_is_continued_here(run: greycard.Run, photos: Path, store: Any, cli: Any) -> None:
    """Processes of Ray read and write in S3; after a kill the same command computes what is missing, nothing twice."""
    if find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    place = "answers/ray"
    words = ["embed", str(run.path), "s3://photos/2026", "--answers", f"s3://{place}", "--shard", "10", "--quiet"]
    process = start(*words, "--on", "processes:2")
    wait(lambda: any(store.get_file_info(f"{place}/{name}").is_file for name in PARTS), process)
    process.kill()
    process.communicate()
    kept = {name: each.mtime for name in PARTS if (each := store.get_file_info(f"{place}/{name}")).is_file}
    assert cli(*words).code == 1  # one image is damaged
    assert len(rows(store, place)) == 24
    assert {name: store.get_file_info(f"{place}/{name}").mtime for name in kept} == kept


def test_a_large_part_is_whole(photos: Path, tmp_path: Path) -> None:
    """Above some megabytes it is uploaded in pieces."""
    (tmp_path / "large").write_bytes(content := os.urandom(12_000_000))
    object_store.put(tmp_path / "large", "s3://answers/large")
    with object_store.opened("s3://answers/large") as file:
        assert file.read() == content


def test_an_interrupted_part_is_whole(
    photos: Path, tmp_path: Path, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, copy = tmp_path / "part", object_store._copy
    part.write_bytes(os.urandom(3 << 20))

    def interrupted(file: Path, address: str) -> None:
        time.sleep(0.2)  # `put` waits
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)  # it would have left
        copy(file, address)

    monkeypatch.setattr(object_store, "_copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        object_store.put(part, "s3://answers/interrupted")
    with store.open_input_file("answers/interrupted") as file:
        assert file.read() == part.read_bytes()


def test_a_list_in_s3_names_objects_and_files(
    run: greycard.Run, photos: Path, store: Any, tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    names = ["s3://photos/2026/dark/001.jpg", str(photos / "dark" / "002.jpg"), "s3://photos/2026/none.jpg"]
    with store.open_output_stream("photos/list.txt") as file:
        file.write("\n".join(names).encode())
    said = cli("predict", run.path, "s3://photos/list.txt", "--answers", tmp_path / "answers", "--quiet")
    assert "s3://photos/2026/none.jpg: No such object" in said.out
    found = parquet.read_table(tmp_path / "answers" / PARTS[0]).to_pylist()
    assert [row["path"] for row in found] == names
    assert [row["error"] for row in found] == [None, None, "No such object"]


@pytest.mark.parametrize(
    ("source", "answers", "sentence"),
    [
        ("s3://nothing/2026", "s3://answers/a", "the bucket of s3://nothing/2026 does not exist"),
        ("s3://photos/2027", "s3://answers/a", "s3://photos/2027 does not exist"),
        ("s3://photos/2026", "s3://nothing/a", "does not exist"),
        ("s3://photos/2026", "s3:///a", "s3:///a has no bucket"),
        ("s3://photos/2026/dark/000.jpg", None, "is in remote storage, whose images are predicted in shards"),
    ],
)
def test_a_mistake_is_one_sentence(
    source: str, answers: str | None, sentence: str, run: greycard.Run, photos: Path, store: Any, cli: Any
) -> None:
    said = cli("predict", run.path, source, *(("--answers", answers) if answers else ()), "--quiet")
    assert (said.code, sentence in said.err) == (2, True)
    assert len(said.err.strip().splitlines()) == 2
    assert store.get_file_info("answers/a").type.name == "NotFound"


def test_a_server_that_does_not_answer_is_one_sentence(
    run: greycard.Run, photos: Path, monkeypatch: pytest.MonkeyPatch, cli: Any
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{HOST}:9")
    said = cli("predict", run.path, "s3://photos/2026", "--answers", "s3://answers/b", "--quiet")
    assert said.code == 2
    assert said.err == (
        "error: s3://answers/b cannot be reached: Could not connect to server\n"
        "hint: check the network, and AWS_ENDPOINT_URL if it is set\n"
    )
