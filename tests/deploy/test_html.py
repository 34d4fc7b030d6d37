"""The exported page: its runtime, the check without a browser, and in Chromium what a person sees."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from browser import Page, expect_browser, opened_page
from conftest import awkward_images, make_folder
from greycard.core.errors import GreycardError
from greycard.datasets.catalog import Download
from greycard.deploy.export import browser, web_runtime
from greycard.deploy.export.web_page import fill_in, model_in, web_page
from greycard.explain.gradcam import heat_of
from greycard.explain.occlusion import occlusion
from greycard.pipeline.decode import decode
from greycard.recipe.data import RESIZES

HOSTILE = "</script><img src=x onerror=alert(1)>"
KINDS: dict[str, dict[str, Any]] = {
    "resnet": {"width": 4, "blocks": (1,), "views": "flip", "center_crop": 0.75},
    "convnet": {"conv": (4,), "dense": (8,)},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), ("dark", "light"), 10)
    for part in ("train", "validation"):
        (root / part / "light").rename(root / part / HOSTILE.replace("/", "∕"))  # a file's name has no slash
    return root


@pytest.fixture(scope="module")
def run_of(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], greycard.Run]:
    out, runs = tmp_path_factory.mktemp("runs"), dict[str, greycard.Run]()

    def run(kind: str) -> greycard.Run:
        if kind not in runs:
            changes = {"model": kind, "image_size": 24, "epochs": 3, "batch_size": 8, "learning_rate": 0.01}
            recipe = greycard.Recipe.make(kind, "shades", **changes, **KINDS[kind])
            runs[kind] = greycard.train(recipe, greycard.load_folder(folder), out=out, quiet=True)
        return runs[kind]

    return run


@pytest.fixture
def page_of(
    run_of: Callable[[str], greycard.Run], folder: Path, web_runtime: None, tmp_path: Path
) -> Iterator[Callable[..., Page]]:
    """A run's page in Chromium."""
    from contextlib import ExitStack

    expect_browser()
    with ExitStack() as stack:

        def opened(kind: str, *options: str) -> Page:
            place = tmp_path / f"{kind}.html"
            run_of(kind).export("html", place, data=folder)
            page = stack.enter_context(opened_page(place.as_uri(), tmp_path / "profile", *options))
            page.wait_for("document.querySelector('#status').textContent === 'Ready.'")
            return page

        yield opened


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _validation(run: greycard.Run, folder: Path) -> list[Path]:
    return [folder / id for id in run.predictions["ids"]]


def test_without_the_runtime_it_says_what_is_missing(run_of: Any, folder: Path, cli: Any, tmp_path: Path) -> None:
    said = cli("export", run_of("convnet").path, "--format", "html", "--data", folder)
    assert said.code == 2
    for words in (str(web_runtime.runtime_file()), web_runtime.PACKAGE.url, "11,817,097", web_runtime.PACKAGE.sha256):
        assert words in said.err
    assert "hint: `greycard fetch litert-web` downloads it" in said.err
    web_runtime.runtime_file().parent.mkdir(parents=True)
    web_runtime.runtime_file().write_bytes(b"something else")
    said = cli("export", run_of("convnet").path, "--format", "html", "--data", folder)
    assert (said.code, "is not the published file" in said.err) == (2, True)
    assert not (run_of("convnet").path / "export").exists()


def _package() -> bytes:
    """A package with the parts that a page needs."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for ending, content in (("js", b"var ModuleFactory;"), ("wasm", b"\0asm")):
            member = tarfile.TarInfo(f"package/wasm/litert_wasm_compat_internal.{ending}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A server on this machine with the package; what it sends can be changed."""
    sent = [_package()]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(sent[0])))
            self.end_headers()
            self.wfile.write(sent[0])

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/core.tgz"
        package = Download(url, len(sent[0]), hashlib.sha256(sent[0]).hexdigest())
        monkeypatch.setattr(web_runtime, "PACKAGE", package)
        yield sent
        server.shutdown()


def test_it_is_fetched_by_its_name_and_checked(published: list[bytes], cli: Any) -> None:
    listed = cli("fetch").out
    assert re.search(r"litert-web +missing", listed)
    right, published[0] = published[0], published[0][:-1] + b"?"
    said = cli("fetch", "litert-web", "--quiet")
    assert (said.code, "is not the published file" in said.err) == (2, True)
    assert not web_runtime.runtime_file().exists()
    published[0] = right
    assert "litert-web: fetched and verified, in " in cli("fetch", "litert-web", "--quiet").out
    assert "litert-web: already present" in cli("fetch", "litert-web", "--quiet").out
    assert web_runtime.read_runtime() == web_runtime.WebRuntime("var ModuleFactory;", b"\0asm")


def test_no_text_ends_its_element(tmp_path: Path) -> None:
    runtime = web_runtime.WebRuntime("var ModuleFactory;", b"\0asm")
    place = tmp_path / "page.html"
    place.write_text(web_page(b"the model", runtime, {"caption": HOSTILE}), encoding="utf-8")
    fill_in(place, {"classes": ["cat", HOSTILE]})
    page = place.read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert json.loads(re.findall(r'id="facts">(.*?)</script>', page)[0]) == {"classes": ["cat", HOSTILE]}
    assert json.loads(re.findall(r'id="about">(.*?)</script>', page)[0]) == {"caption": HOSTILE}
    assert model_in(page.encode()) == b"the model"


@pytest.mark.parametrize("found", [None, "/bin/false"])
def test_without_a_browser_the_message_and_the_record_say_so(
    run_of: Any, folder: Path, web_runtime: None, cli: Any, tmp_path: Path, found: str | None, monkeypatch: Any
) -> None:
    monkeypatch.setattr(browser, "find_browser", lambda: found)
    said = cli("export", run_of("convnet").path, "--format", "html", "--data", folder, "-o", tmp_path / "m.html")
    assert said.code == 0, said.err
    reason = "/bin/false does not start here" if found else "neither Chromium, Chrome nor Edge was found"
    assert f"note: the page itself was not run: {reason}" in said.err
    record = json.loads((tmp_path / "m.html.json").read_text())
    assert record["not_checked"].startswith(f"the page itself was not run: {reason}")


@pytest.mark.slow
def test_a_page_that_answers_otherwise_is_refused(
    run_of: Any, folder: Path, web_runtime: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from greycard.deploy.export.html import PageModel

    expect_browser()
    right = PageModel.__call__
    monkeypatch.setattr(PageModel, "__call__", lambda self, images: right(self, images) * 0.99 + 0.005)
    with pytest.raises(GreycardError, match="the html export is refused: a probability differs by"):
        run_of("convnet").export("html", tmp_path / "m.html", data=folder)
    assert [path.name for path in tmp_path.iterdir()] == ["m.html.refused.json"]


@pytest.mark.slow
def test_the_browser_ends_with_the_export(run_of: Any, folder: Path, web_runtime: None, tmp_path: Path) -> None:
    expect_browser()
    place = tmp_path / "m.html"
    run_of("convnet").export("html", place, data=folder)
    page = browser.BrowserPage(browser.find_browser() or "", place)
    page.wait_for("Boolean(globalThis.greycard)")
    assert page.value("1 + 1") == 2
    assert "/" in page.version
    with pytest.raises(browser.BrowserError, match="no such thing"):
        page.value("Promise.reject(new Error('no such thing'))")
    profile = Path(page._profile.name)
    page.close()
    assert not profile.exists()
    with pytest.raises(OSError, match="Bad file descriptor"):
        page.value("1")


@pytest.mark.slow
def test_pixels_are_those_of_the_decoder(page_of: Any, folder: Path, tmp_path: Path) -> None:
    """Equal but for rounding; the colours of a large JPEG are reduced in another order, a few of 255 steps apart."""
    page = page_of("convnet")
    photo = next((folder / "validation" / "dark").iterdir())
    for file in awkward_images(tmp_path / "awkward", photo):
        if file.suffix == ".tiff":
            with pytest.raises(AssertionError, match="cannot read this file as an image"):
                page.run(f"greycard.pixelsOf('{_base64(file.read_bytes())}')")
            continue
        for channels, resize in ((3, "stretch"), (1, "crop"), (3, "pad"), (3, "crop")):
            expected = decode(file, (24, 32), channels, resize).astype(int)
            asked = json.dumps({"shape": [None, 24, 32, channels], "resize": resize})
            found = page.run(f"greycard.pixelsOf('{_base64(file.read_bytes())}', {asked})")
            difference = np.abs(np.array(found).reshape(expected.shape) - expected)
            assert difference.max() <= 4, (file.name, channels, resize)
            assert difference.mean() < 0.6, (file.name, channels, resize)


@pytest.mark.slow
def test_resizing_is_pillows(page_of: Any, tmp_path: Path) -> None:
    """Bit for bit, but for tall images, which Pillow may resize along the columns first: at most one of 255 apart."""
    page = page_of("convnet")
    rng = np.random.default_rng(0)
    for shape in ((7, 31), (100, 3), (64, 65), (24, 32), (301, 200), (1, 50), (90, 41)):
        file = tmp_path / "noise.png"
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(file)
        for resize in RESIZES:
            asked = json.dumps({"shape": [None, 24, 32, 3], "resize": resize})
            found = page.run(f"greycard.pixelsOf('{_base64(file.read_bytes())}', {asked})")
            expected = decode(file, (24, 32), 3, resize)
            difference = np.abs(np.array(found).reshape(expected.shape) - expected.astype(int))
            assert difference.max() <= (shape in ((100, 3), (90, 41))), f"{shape} {resize}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_heat_maps_are_those_of_greycard(page_of: Any, run_of: Any, folder: Path, kind: str) -> None:
    """Grad-CAM where the head is linear in the pooled map, with views and a part; else the occlusion map."""
    page, run = page_of(kind), run_of(kind)
    part = run.recipe.prediction.center_crop
    heat = heat_of(run.classifier.trained, run.task, run.temperature, part)
    for file in _validation(run, folder)[::7]:
        pixels = run.classifier.decode(file)
        for label in (0, 1):
            found = page.run(f"greycard.heatFor('{_base64(pixels.tobytes())}', {label})")
            linear = kind == "resnet"
            expected = heat(pixels, label) if linear else occlusion(run.classifier.at_once, pixels, label)
            np.testing.assert_allclose(np.array(found).reshape(expected.shape), expected, atol=2e-3)


@pytest.mark.slow
def test_a_person_drops_images(page_of: Any, run_of: Any, folder: Path, tmp_path: Path) -> None:
    page, run = page_of("resnet"), run_of("resnet")
    images = [_validation(run, folder)[0], _validation(run, folder)[-1]]
    (tmp_path / "notes.txt").write_text("no image")
    page.drop(images[0], tmp_path / "notes.txt", images[1], place="#drop")
    page.wait_for("document.querySelector('#status').textContent === '2 of 3 files classified.'")
    newest_first = [run.predict(file)[0] for file in reversed(images)]
    shown = page.run("[...document.querySelectorAll('#answers .class')].map((each) => each.textContent)")
    assert shown == [each.label for each in newest_first]
    assert page.run("document.querySelector('#answers .failure').textContent") == (
        "No prediction: the browser cannot read this file as an image."
    )
    words = page.run("[...document.querySelectorAll('#answers td:last-child')].map((each) => each.textContent)")
    first = max((newest_first[0].probabilities or {}).values())
    assert words[0] in (f"{100 * first:.1f}\u00a0%", "> 99.9\u00a0%")
    assert page.run("document.images.length") == 2  # the hostile class is no image, and the text file has none
    assert page.complaints == []
    assert [address for address in page.requests if not address.startswith("file:")] == []
    assert len(page.requests) == 1


@pytest.mark.slow
def test_a_stranger_is_none_of_these(page_of: Any, run_of: Any, folder: Path, tmp_path: Path) -> None:
    page, run = page_of("resnet"), run_of("resnet")
    images = _validation(run, folder)[::5]
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        images.append(tmp_path / f"{name}.png")
        Image.new("RGB", (48, 40), colour).save(images[-1])
    page.drop(*images, place="#drop")
    page.wait_for(f"document.querySelectorAll('#answers .class').length === {len(images)}")
    predicted = run.predict(list(reversed(images)))
    shown = page.run("[...document.querySelectorAll('#answers .class')].map((each) => each.textContent)")
    assert shown == ["None of these" if each.refused else each.label for each in predicted]
    assert {each.refused for each in predicted} == {True, False}
    closest = page.run("[...document.querySelectorAll('#answers .closest')].map((each) => !each.hidden)")
    assert closest == [each.refused for each in predicted]
    assert page.run("document.querySelector('#limits').textContent").endswith("gets “none of these”.")


@pytest.mark.slow
def test_it_can_load_and_run_nothing_else(page_of: Any) -> None:
    page = page_of("convnet")
    refused = page.run("fetch('https://example.org').then(() => 'sent', (error) => error.name)")
    assert refused == "TypeError"
    script = "document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))"
    assert page.run(f"{script}; typeof window.ran") == "undefined"
    assert any("Content Security Policy" in words for words in page.complaints)
    assert not [address for address in page.requests if address.startswith("http")]


@pytest.mark.slow
def test_the_camera_is_classified(page_of: Any) -> None:
    page = page_of("resnet", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page.run("document.querySelector('#start-camera').click()")
    page.wait_for("document.querySelector('#live-answer .class').textContent !== ''")
    assert page.run("document.activeElement.id") == "stop-camera"
    assert page.run("document.querySelector('#status').textContent").startswith("Camera: ")
    page.run("document.querySelector('#stop-camera').click()")
    page.wait_for("document.querySelector('#live').hidden && document.activeElement.id === 'start-camera'")
    assert page.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_is_accessible(page_of: Any, run_of: Any, folder: Path, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python")  # only for its copy of axe-core
    page = page_of("resnet")
    page.resize(width, 900)
    page.drop(_validation(run_of("resnet"), folder)[0], place="#drop")
    page.wait_for("document.querySelectorAll('#answers .class').length === 1")
    assert page.run("document.documentElement.scrollWidth") == width
    page.run(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8") + "; null")
    for dark in (False, True):
        page.dark(dark)
        found = page.run("axe.run().then((result) => result.violations.map((each) => [each.id, each.nodes[0].html]))")
        assert found == []
