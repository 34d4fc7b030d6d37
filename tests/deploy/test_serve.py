"""The server: the run's own answers over HTTP, strangers' bytes turned away with a sentence, a graceful end."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import greycard
from browser import expect_browser, opened_page
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.deploy.serve import server
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.batching import Batcher
from greycard.deploy.serve.limits import Limits
from greycard.deploy.serve.models import Served, make_ready
from greycard.deploy.serve.network import reachable_addresses

LIMITS = Limits(body_bytes=200_000, pixels=1_000_000, images=3, seconds=2)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[greycard.Run]:
    """A convolutional network and a dense one on the same images."""
    folder = make_folder(tmp_path_factory.mktemp("data") / "shades", ("",), ("dark", "light"), 12)
    dataset, out = greycard.load_folder(folder), tmp_path_factory.mktemp("runs")
    same: dict[str, Any] = {"epochs": 2, "backbone": None, "out": out, "quiet": True, "augmentation": None}
    conv = greycard.train(dataset, name="conv", image_size=24, conv=(8,), dense=(8,), **same)
    return [conv, greycard.train(dataset, name="dense", image_size=16, conv=(), dense=(8,), **same)]


@pytest.fixture(scope="module")
def models(runs: list[greycard.Run]) -> dict[str, Served]:
    return make_ready([(run, run.classifier) for run in runs])


@pytest.fixture(scope="module")
def client(models: dict[str, Served]) -> Iterator[TestClient]:
    with TestClient(make_app(models, limits=LIMITS)) as client:
        yield client


def jpeg(seed: int = 0, brightness: int = 200) -> bytes:
    stream = io.BytesIO()
    image(seed, brightness).save(stream, "JPEG")
    return stream.getvalue()


def huge_png(width: int, height: int) -> bytes:
    """A header that declares so many pixels, and next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("../../etc/passwd", "words")
    return stream.getvalue()


def zip64_end() -> bytes:
    """The end of an archive that says it is on two disks, which Python's own reader stumbles over."""
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 2)
    return locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def post(client: TestClient, content: bytes, query: str = "", kind: str = "image/jpeg") -> Any:
    return client.post(f"/api/predict{query}", content=content, headers={"content-type": kind})


def test_every_model_answers_as_its_run_does(client: TestClient, runs: list[greycard.Run]) -> None:
    content = jpeg(5, 60)
    (found,) = post(client, content).json()["images"]
    assert [answer["model"] for answer in found["answers"]] == ["conv-1", "dense-1"]
    for answer, run in zip(found["answers"], runs, strict=True):
        expected = run.predict(content)[0]
        assert answer["class"] == expected.label
        assert answer["probabilities"] == pytest.approx(expected.top(5), abs=1e-5)


def test_a_form_may_bring_several_images(client: TestClient) -> None:
    files = [("file", (f"{number}.jpg", jpeg(number), "image/jpeg")) for number in range(3)]
    found = client.post("/api/predict?model=dense-1&top=1", files=files).json()["images"]
    assert [each["name"] for each in found] == ["0.jpg", "1.jpg", "2.jpg"]
    assert [[answer["model"] for answer in each["answers"]] for each in found] == [["dense-1"]] * 3
    assert all(len(answer["probabilities"]) == 1 for each in found for answer in each["answers"])


def test_heat_is_drawn_where_a_place_matters(models: dict[str, Served]) -> None:
    """By a point of probability or more; a dense network has no map."""

    def heat_of(points: float) -> list[str | None]:
        conv = replace(models["conv-1"], heat=lambda pixels, label: np.full(pixels.shape[:2], points, np.float32))
        with TestClient(make_app({**models, "conv-1": conv}, limits=LIMITS)) as client:
            return [each["heat"] for each in post(client, jpeg(), "?heat=true").json()["images"][0]["answers"]]

    drawn, dense = heat_of(0.2)
    assert drawn is not None
    kind, _, data = drawn.partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (24, 24)
    assert dense is None
    assert heat_of(0.009) == [None, None]


def test_the_description_fits_the_routes_and_the_answers(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    own = {"/", "/page.css", "/page.js", "/openapi.json"}
    assert described["paths"].keys() == {route.path for route in client.app.routes} - own  # type: ignore[attr-defined]

    def expect(schema: str, content: Any) -> None:
        jsonschema.validate(content, {**described, "$ref": f"#/components/schemas/{schema}"})

    expect("Models", client.get("/api/models").json())
    expect("Predictions", post(client, jpeg(), "?heat=true").json())
    expect("Error", post(client, b"words").json())


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 400, "has no image"),
        (b"words", 422, "not an image in a known format"),
        (jpeg()[:300], 422, "cannot be read"),
        (huge_png(30_000, 30_000), 422, "exceeds limit"),
        (huge_png(2_000, 2_000), 413, "4,000,000 pixels; expected at most 1 million"),
        (jpeg() + zip_bytes(), 422, "also a valid file of another format"),
        (jpeg() + zip64_end(), 422, "also a valid file of another format"),
        (b"GIF89a<script>alert(1)</script>", 422, "cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 422, "an SVG drawing"),
        (zip_bytes(), 422, "a zip archive"),
        (b"%PDF-1.7 " + jpeg(), 422, "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", 415, "is EPS; expected one of JPEG"),
        (os.urandom(200_001), 413, "too large; expected at most 0 MB"),
    ],
    ids=("empty", "words", "truncated", "900-megapixels", "4-megapixels", "jpeg-zip", "jpeg-zip64", "gif-script", "svg",
         "zip", "pdf-jpeg", "eps", "too-large"),
)  # fmt: skip
def test_hostile_bytes_are_turned_away_with_a_sentence(
    client: TestClient, content: bytes, status: int, words: str
) -> None:
    answer = post(client, content, kind="application/octet-stream")
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert post(client, jpeg()).status_code == 200


def test_a_polyglot_that_is_a_image_first_is_turned_away(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.new("P", (8, 8)).save(stream, "GIF", comment=b"<script>alert(1)</script>")
    answer = post(client, stream.getvalue(), kind="image/gif")
    assert (answer.status_code, "also a valid file of another format" in answer.json()["error"]) == (422, True)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("?model=nothing", 404, "there is no model 'nothing'; expected one of conv-1, dense-1"),
        ("?top=many", 400, "top must be a whole number"),
        ("?top=0", 400, "top must be a whole number"),
        ("?top=²", 400, "top must be a whole number"),
        ("?top=", 400, "top must be a whole number"),
        ("?top=1&top=2", 400, "top must be given once. Received: 2 times"),
        ("?heat=maybe", 400, "heat must be one of true, 1, yes, or false, 0, no. Received: 'maybe'"),
        ("?heat=", 400, "heat must be one of true"),
        ("?haet=true", 400, "there is no parameter 'haet'; expected model, top, heat"),
    ],
)
def test_bad_questions_are_told_what_is_expected(client: TestClient, query: str, status: int, words: str) -> None:
    answer = post(client, jpeg(), query)
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text


@pytest.mark.parametrize(("word", "drawn"), [("yes", True), ("TRUE", True), ("1", True), ("no", False), ("0", False)])
def test_heat_is_taken_in_several_spellings(client: TestClient, word: str, drawn: bool) -> None:
    answer = post(client, jpeg(), f"?model=conv-1&heat={word}").json()["images"][0]["answers"][0]
    assert ("heat" in answer) == drawn


@pytest.mark.parametrize(("field", "words"), [("heat", "pass it in the URL"), ("file", "is not a file")])
def test_what_a_form_says_in_words_is_refused_and_not_ignored(client: TestClient, field: str, words: str) -> None:
    answer = client.post("/api/predict", files={"image": ("a.jpg", jpeg())}, data={field: "true"})
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text


def test_the_other_paths_take_no_parameters(client: TestClient) -> None:
    answer = client.get("/api/models?model=conv-1")
    assert (answer.status_code, "this path takes no parameters" in answer.json()["error"]) == (400, True)


def test_other_content_types_methods_and_paths_are_refused(client: TestClient) -> None:
    assert post(client, jpeg(), kind="text/html").status_code == 415
    assert client.get("/api/predict").status_code == 405
    for path in ("/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page/index.html", "/page.js/x"):
        assert client.get(path).status_code == 404
    assert client.post("/api/predict", content=b"--x\r\n", headers={"content-type": "multipart/form-data"}).is_error


def test_a_file_name_is_only_a_name(client: TestClient) -> None:
    name = "../../etc/passwd\u202e.jpg"
    found = client.post("/api/predict", files={"file": (name, jpeg())}).json()["images"][0]
    assert found["name"].endswith(".jpg")
    said = client.post("/api/predict", files={"file": ("a" * 500, b"words")}).json()["error"]
    assert len(said) < 200
    odd = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="+2AA-.jpg"\r\n\r\n' + jpeg() + b"\r\n--x--\r\n"
    )
    kind = "multipart/form-data; boundary=x; charset=utf-7"  # whose name is no text that JSON could hold
    assert client.post("/api/predict", content=odd, headers={"content-type": kind}).status_code == 200


def test_too_many_images_are_refused_whole(client: TestClient) -> None:
    answer = client.post("/api/predict", files=[("file", (f"{n}.jpg", jpeg(n))) for n in range(4)])
    assert (answer.status_code, "Too many files" in answer.json()["error"]) == (400, True)


def test_headers_keep_the_page_to_itself(client: TestClient) -> None:
    for path in ("/", "/page.js", "/api/models", "/nothing"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    page = client.get("/").text
    assert "http://" not in page
    assert "https://" not in page


def test_a_token_is_asked_for_where_there_is_one(models: dict[str, Served]) -> None:
    with TestClient(make_app(models, token="grey")) as client:
        for path in ("/api/models", "/metrics"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"authorization": "Bearer gray"}).status_code == 401
            assert client.get(path, headers={"authorization": "Bearer grey"}).status_code == 200
        assert post(client, jpeg()).status_code == 401
        assert [client.get(path).status_code for path in ("/", "/health")] == [200, 200]


def test_other_hosts_names_are_refused(models: dict[str, Served]) -> None:
    """A page elsewhere that makes a browser believe its own name is this machine gets nothing."""
    with TestClient(make_app(models, hosts=["127.0.0.1"])) as client:
        assert client.get("/health", headers={"host": "evil.example"}).status_code == 400
        assert client.get("/health", headers={"host": "127.0.0.1:8000"}).status_code == 200
    with TestClient(make_app(models, hosts=["[::1]"])) as client:
        assert client.get("/health", headers={"host": "[::1]:8000"}).status_code == 200
        assert client.get("/health", headers={"host": "[::2]:8000"}).status_code == 400


def test_another_sites_page_is_refused(client: TestClient) -> None:
    """A browser says where a request comes from; a link to the page itself is welcome."""
    foreign = {"sec-fetch-site": "cross-site"}
    assert client.post("/api/predict", content=jpeg(), headers=foreign).status_code == 403
    assert client.get("/", headers=foreign).status_code == 200
    assert client.get("/api/models", headers={"sec-fetch-site": "same-origin"}).status_code == 200


def test_a_failure_of_ours_is_told_as_one(models: dict[str, Served], caplog: pytest.LogCaptureFixture) -> None:
    def broken(images: np.ndarray) -> np.ndarray:
        raise RuntimeError("no memory")

    first = next(iter(models.values()))
    with TestClient(make_app({"broken": Served("broken", first.classifier, broken, None, first.facts)})) as client:
        answer = post(client, jpeg())
        assert (answer.status_code, answer.json()) == (500, {"error": "the server failed"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert 'path="/api/predict",status="500"' in client.get("/metrics").text
    assert "no memory" in caplog.text


def test_images_of_a_request_are_counted_together(client: TestClient) -> None:
    stream = io.BytesIO()
    Image.new("L", (700, 600)).save(stream, "PNG")
    answer = client.post("/api/predict", files=[("file", (f"{n}.png", stream.getvalue())) for n in range(3)])
    assert (answer.status_code, "the request has 1,260,000 pixels" in answer.json()["error"]) == (413, True)


def test_a_model_named_twice_is_asked_once(client: TestClient) -> None:
    found = post(client, jpeg(), "?model=conv-1&model=conv-1").json()["images"][0]["answers"]
    assert [answer["model"] for answer in found] == ["conv-1"]


def test_metrics_count_what_was_asked(models: dict[str, Served]) -> None:
    with TestClient(make_app(models)) as client:
        post(client, jpeg())
        post(client, b"words")
        client.get("/a-path-of-a-stranger")
        told = client.get("/metrics").text
    assert 'greycard_requests_total{path="/api/predict",status="200"} 1.0' in told
    assert 'greycard_requests_total{path="/api/predict",status="422"} 1.0' in told
    assert 'greycard_requests_total{path="other",status="404"} 1.0' in told
    assert 'greycard_images_total{model="conv-1"} 1.0' in told
    assert "process_resident_memory_bytes" in told
    assert "a-path-of-a-stranger" not in told


def _ask_together(engine: Any, count: int) -> list[Any]:
    async def ask() -> list[Any]:
        batcher = Batcher(engine, 4)
        images = [np.full((2, 2, 1), number, np.uint8) for number in range(count)]
        return await asyncio.gather(*map(batcher.ask, images), return_exceptions=True)

    return asyncio.run(ask())


def test_requests_that_come_together_are_answered_together() -> None:
    sizes = []

    def engine(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return images[:, 0, 0].astype(np.float32)

    assert [int(row[0]) for row in _ask_together(engine, 9)] == list(range(9))
    assert sizes == [4, 4, 1]


def test_an_engine_that_fails_fails_only_who_asked() -> None:
    def engine(images: np.ndarray) -> np.ndarray:
        if images.max() > 3:
            raise RuntimeError("no memory")
        return images[:, 0, 0].astype(np.float32)

    found = _ask_together(engine, 6)
    assert [isinstance(each, RuntimeError) for each in found] == [False] * 4 + [True] * 2


def test_one_request_too_many_is_told_to_come_again(models: dict[str, Served]) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(images: np.ndarray) -> np.ndarray:
        entered.set()
        release.wait(30)
        return np.full((len(images), 2), 0.5, np.float32)

    first = next(iter(models.values()))
    held = Served("held", first.classifier, slow, None, first.facts)
    with TestClient(make_app({"held": held}, limits=Limits(requests=1))) as client:
        waiting = threading.Thread(target=post, args=(client, jpeg()))
        waiting.start()
        entered.wait(30)
        refused, health = post(client, jpeg()), client.get("/health")
        release.set()
        waiting.join()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert health.status_code == 200
        assert post(client, jpeg()).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_start_says_what_is_served_how_to_stop_and_where(
    runs: list[greycard.Run], cli: Any, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda *_, **__: None)
    monkeypatch.setattr("greycard.cli.serve.reachable_addresses", lambda: ["192.168.1.7"])
    outcome = cli("serve", runs[0].path, "--host", host, "--port", "0", "--token", "a&b")
    first, *rest = outcome.out.splitlines()
    assert re.fullmatch(r"serving conv-1; Ctrl-C stops it; open http://127\.0\.0\.1:\d+/#token=a%26b", first)
    port = first.rpartition(":")[2]
    phones = f"phones and other machines in the same network: http://192.168.1.7:{port}"
    assert rest == ([] if host == "127.0.0.1" else [phones])
    assert outcome.err == "stopped\n"


def test_the_addresses_in_the_network_are_found_without_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(*_: object) -> int:
        raise AssertionError("a packet was sent")

    monkeypatch.setattr(socket.socket, "sendto", sent, raising=False)
    found = reachable_addresses()
    assert len(set(found)) == len(found)
    assert not [address for address in found if address.startswith(("127.", "0.", "169.254."))]


def test_two_runs_of_one_name_are_refused(runs: list[greycard.Run]) -> None:
    with pytest.raises(GreycardError, match="two runs have the name conv-1"):
        make_ready([(run, run.classifier) for run in (runs[0], runs[0])])


def test_a_port_in_use_is_told(runs: list[greycard.Run], cli: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = cli("serve", runs[0].path, "--port", str(taken.getsockname()[1]))
    assert (outcome.code, "Address already in use" in outcome.err) == (2, True)
    assert "--port 0 takes any free one" in outcome.err


def test_a_host_that_others_reach_is_noted(models: dict[str, Served], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda *_, **__: None)
    with pytest.warns(greycard.core.errors.GreycardWarning, match="everyone who can reach 0.0.0.0"):
        server.serve(models, "0.0.0.0", 0, None, lambda _: None)


@pytest.mark.parametrize("token", ["", "wört"])
def test_a_token_that_cannot_be_asked_for_is_refused(models: dict[str, Served], token: str) -> None:
    with pytest.raises(GreycardError, match="the token must be ASCII text and not empty"):
        server.serve(models, "127.0.0.1", 0, token, lambda _: None)


@contextmanager
def serving(runs: list[greycard.Run], *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command itself, in a process of its own, on a port of its own; the address it tells."""
    words = [sys.executable, "-m", "greycard", "serve", *(str(run.path) for run in runs), "--port", "0", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().rpartition(" ")[2].strip(), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(runs: list[greycard.Run]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with serving(runs) as served:
        yield served


def _status(address: str, content: bytes) -> int:
    request = urllib.request.Request(f"{address}api/predict", content, {"Content-Type": "image/jpeg"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        json.load(answer)
        return answer.status


@pytest.mark.slow
def test_slow_senders_are_shown_out_and_others_served(address: Any) -> None:
    host, port = address[0].removeprefix("http://").rstrip("/").split(":")
    heads = (b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nsome", b"GET / HT")
    slow = [socket.create_connection((host, int(port)), timeout=30) for _ in heads]
    for connection, head in zip(slow, heads, strict=True):
        connection.sendall(head)
    assert _status(address[0], jpeg()) == 200
    for connection in slow:
        said = connection.recv(4000)
        assert said.startswith(b"HTTP/1.1 408"), said
        assert b"to arrive" in said + connection.recv(4000)
        connection.close()
    assert _status(address[0], jpeg()) == 200


def _sent(address: str, content: bytes) -> int:
    try:
        return _status(address, content)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _memory_mb(address: str) -> float:
    with urllib.request.urlopen(f"{address}metrics") as answer:
        found = re.search(r"^process_resident_memory_bytes (\S+)$", answer.read().decode(), re.MULTILINE)
    if found is None:
        pytest.skip("this system does not tell a process's memory")
    return float(found[1]) / 1e6


@pytest.mark.slow
def test_hostile_images_leave_no_memory_behind(address: Any) -> None:
    """Bombs that are refused, and one that is just small enough to be decoded: 250 MB while it is, none afterwards."""
    stream = io.BytesIO()
    Image.new("LA", (5000, 5000), (9, 9)).save(stream, "PNG")
    bodies = (stream.getvalue(), huge_png(30_000, 30_000), huge_png(10_000, 10_000), jpeg()[:300], jpeg() + zip_bytes())
    measured = []
    for _ in range(2):
        statuses = [_sent(address[0], body) for _ in range(2) for body in bodies]
        assert statuses == [200, 422, 413, 422, 422] * 2
        measured.append(_memory_mb(address[0]))
    assert measured[1] - measured[0] < 50, measured


def _connection(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def test_a_body_that_is_too_large_is_answered_all_the_same(address: Any) -> None:
    """A client that is still sending gets the sentence, not a broken connection."""
    with _connection(address[0]) as connection:
        connection.sendall(b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 20000000\r\n\r\n")
        for _ in range(200):
            connection.sendall(b"x" * 100_000)
        said = b"".join(iter(lambda: connection.recv(4000), b""))
    assert said.startswith(b"HTTP/1.1 413")
    assert b"at most 16 MB" in said


@pytest.mark.slow
def test_who_hangs_up_or_does_not_read_costs_the_others_nothing(address: Any) -> None:
    with _connection(address[0]) as connection:
        connection.sendall(b"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nsome")
    deaf = [_connection(address[0]) for _ in range(4)]
    for connection in deaf:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        with suppress(BlockingIOError):
            connection.sendall(b"GET /page.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 2000)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{address[0]}metrics") as answer:
            if "greycard_requests_in_work 1.0" in answer.read().decode():
                break
        time.sleep(0.5)
    else:
        pytest.fail("requests of those who do not read stay in work")
    for connection in deaf:
        connection.close()
    assert _status(address[0], jpeg()) == 200


def test_it_ends_gracefully(address: Any) -> None:
    """The last test of this process: a request that is still arriving is answered, and the exit code is 0."""
    host, port = address[0].removeprefix("http://").rstrip("/").split(":")
    body, process = jpeg(), address[1]
    head = "POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:100])
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[100:])
        assert connection.recv(4000).startswith(b"HTTP/1.1 200")
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (0, "stopped")


@pytest.mark.slow
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    """Drop an image, see the answer; paste one; choose one with the keyboard alone; a bad file has its own card."""
    expect_browser()
    folder = make_folder(tmp_path / "shades", ("",), ("10", "9"), 12)  # JavaScript would put 9 before 10
    tiny: dict[str, Any] = {"image_size": 24, "conv": (8,), "dense": (8,), "epochs": 12, "backbone": None}
    run = greycard.train(greycard.load_folder(folder), out=tmp_path / "runs", quiet=True, **tiny)
    good, bad = tmp_path / "<b>dark.jpg", tmp_path / "bad.jpg"
    good.write_bytes(jpeg(brightness=40))
    bad.write_text("words")
    empty = tmp_path / "empty.jpg"
    empty.touch()
    likeliest = run.predict(good)[0].label
    with serving([run], "--token", "a+b&c") as (address, _), opened_page(address, tmp_path / "profile") as page:
        page.wait_for("document.getElementById('models').textContent.includes('shades-1 classifies 10, 9')")
        page.drop(good)
        page.wait_for("document.querySelectorAll('.model').length === 1")
        assert page.run("document.querySelector('.answer').textContent") == likeliest
        assert page.run("document.querySelector('.model th').textContent") == likeliest
        assert page.run("document.querySelector('figcaption').textContent") == good.name
        page.drop(bad)
        page.wait_for("document.getElementById('status').textContent.includes('bad.jpg cannot be read')")
        page.drop(bad, good, empty)
        page.wait_for("document.getElementById('status').textContent === '1 of 3 files classified.'")
        cards = page.run("[...document.querySelectorAll('.image')].map((card) => card.innerText)")
        assert [card.split("\n")[0] for card in cards] == ["empty.jpg", good.name, "bad.jpg", "bad.jpg", good.name]
        assert "No prediction: the request has no image" in cards[0]
        assert "No prediction: bad.jpg cannot be read" in cards[2]
        assert page.run("document.querySelectorAll('.failure').length") == 3
        page.paste(good)
        page.wait_for("document.querySelectorAll('.image').length === 6")
        page.press("Tab")
        assert page.run("document.activeElement.id") == "files"
        page.choose_by_keyboard(good)
        page.wait_for("document.querySelectorAll('.image').length === 7")
        page.press("Tab")
        page.press("Tab")
        page.press(" ")
        assert page.run("document.getElementById('heat').checked") is False
        for width in (1280, 390):
            page.resize(width, 900)
            assert page.run("document.documentElement.scrollWidth <= innerWidth"), width
        assert page.complaints == []
