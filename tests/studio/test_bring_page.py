"""A zip, a label file and a phone in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from browser import Page, expect_browser, opened_page
from conftest import image
from greycard.deploy.serve.network import reachable_addresses
from qr import read_qr

pytestmark = pytest.mark.slow

CTRL = 2


@contextmanager
def _studio(root: Path, *options: str) -> Iterator[tuple[list[str], subprocess.Popen[str]]]:
    """The command itself on a free port; the addresses it prints, one or two."""
    expect_browser()
    words = [sys.executable, "-m", "greycard", "studio", str(root), "--port", "0", *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root.parent) as process:
        try:
            assert process.stdout
            lines = 2 if "--phone" in options else 1
            yield [process.stdout.readline().rpartition(" ")[2].strip() for _ in range(lines)], process
        finally:
            process.kill()


def _wait_for_counts(page: Page, expected: Mapping[str, int]) -> None:
    pairs = "[...document.querySelectorAll('#classes button')].map((each) =>"
    pairs += " [each.querySelector('span').textContent, Number(each.querySelector('small').textContent)])"
    page.wait_for(f"JSON.stringify({pairs}) === JSON.stringify({json.dumps([*expected.items()])})")


def _wait_for_text(page: Page, id: str, words: str) -> None:
    page.wait_for(f"document.getElementById({id!r}).textContent.includes({words!r})")


def _click(page: Page, id: str) -> None:
    page.run(f"document.getElementById({id!r}).click()")


def _look(page: Page, folder: Path, name: str) -> None:
    """Keep screenshots of both widths; nothing is wider than the window."""
    for width in (1280, 390):
        page.resize(width, 800)
        page.wait_for("document.documentElement.scrollWidth <= innerWidth")
        (folder / f"{name}-{width}.png").write_bytes(page.screenshot())


def _save(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image(seed).save(path)
    return path


def test_a_zip_and_a_project_bring_their_classes(tmp_path: Path) -> None:
    root, some = tmp_path / "pets", _save(tmp_path / "some.jpg", 1)
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as made:
        for name in ("new/cat/1.jpg", "new/cat/2.jpg", "new/dog/1.jpg"):
            made.write(some, name)
        made.writestr("new/notes.txt", "soft")
    with zipfile.ZipFile(tmp_path / "project.tm", "w") as made:
        for name in ("cat-!-0.jpg", "Class 2-!-0.jpg"):
            made.write(some, name)
        made.writestr("manifest.json", "{}")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with _studio(root) as ([address], _), opened_page(address, tmp_path / "profile") as page:
        _wait_for_counts(page, {"No label yet": 0})
        page.drop(tmp_path / "new.zip", some)
        _wait_for_text(page, "add-status", "3 images added from new.zip. 1 file was left out: new/notes.txt")
        _wait_for_counts(page, {"No label yet": 1, "cat": 2, "dog": 1})
        _look(page, tmp_path, "zip")
        page.drop(tmp_path / "project.tm")
        _wait_for_counts(page, {"No label yet": 1, "Class 2": 1, "cat": 3, "dog": 1})
        page.run("document.getElementById('grid').focus()")
        for _ in range(2):
            page.press("z", CTRL)
        _wait_for_counts(page, {"No label yet": 1, "Class 2": 0, "cat": 0, "dog": 0})
        page.drop(tmp_path / "bad.zip")
        _wait_for_text(page, "message", "bad.zip is damaged or not a plain zip file")
        assert page.run("document.getElementById('add-status').textContent") == ""
        assert not page.complaints


def test_a_label_file_is_used_or_set_aside(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for number in range(3):
        _save(root / f"{number}.jpg", number)
    (root / "labels.csv").write_text("file,label\n0.jpg,cat\n1.jpg,dog\n2.jpg,dog\n3.jpg,dog\n")
    with _studio(root) as ([address], _), opened_page(address, tmp_path / "profile") as page:
        _wait_for_text(page, "label-file-status", "labels.csv names the classes of 3 images in this folder.")
        _wait_for_text(page, "label-file-status", "1 line names an image that is not here.")
        _look(page, tmp_path, "labels")
        _click(page, "discard")
        _wait_for_text(page, "message", "use it or set it aside first")
        _click(page, "use-label-file")
        _wait_for_counts(page, {"No label yet": 0, "cat": 1, "dog": 2})
        page.wait_for("document.getElementById('label-file').hidden")
        _click(page, "undo")
        _wait_for_counts(page, {"No label yet": 3, "cat": 0, "dog": 0})
        page.wait_for("!document.getElementById('label-file').hidden")
        _click(page, "label-file-aside")
        page.wait_for("document.getElementById('label-file').hidden")
        _wait_for_counts(page, {"No label yet": 3, "cat": 0, "dog": 0})
        assert not page.complaints
    assert not (root / "labels.csv").exists()


def test_a_label_file_is_offered_when_its_images_arrive(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    root.mkdir()
    (root / "labels.csv").write_text("file,label\n0.jpg,cat\n1.jpg,dog\n")
    with _studio(root) as ([address], _), opened_page(address, tmp_path / "profile") as page:
        page.wait_for("document.getElementById('label-file').hidden")
        page.drop(_save(tmp_path / "0.jpg", 0), _save(tmp_path / "1.jpg", 1))
        page.wait_for("!document.getElementById('label-file').hidden")
        _wait_for_text(page, "label-file-status", "labels.csv names the classes of 2 images in this folder.")
        assert not page.complaints


def test_a_phone_opens_the_page_by_the_code_and_takes_a_photo(tmp_path: Path) -> None:
    if not reachable_addresses():
        pytest.skip("needs a network address")
    shown = "getComputedStyle(document.getElementById('photo').parentElement).display !== 'none'"
    with _studio(tmp_path / "pets", "--phone") as ([here, phone], _), opened_page(here, tmp_path / "profile") as page:
        page.wait_for("!document.getElementById('phone').hidden")
        assert not page.run(shown)
        _click(page, "phone")
        page.wait_for("document.querySelector('#phone-code img').naturalWidth > 100")
        _look(page, tmp_path, "code")
        pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        assert read_qr(pixels) == phone
        with opened_page("about:blank#", tmp_path / "phone") as other:
            other.resize(390, 800)
            other.call("Emulation.setTouchEmulationEnabled", enabled=True)
            other.call("Page.navigate", url=phone)
            other.wait_for("document.getElementById('classes')?.childElementCount === 1")
            assert other.run(shown)
            other.wait_for("document.getElementById('camera').hidden")  # it needs https
            other.run("document.getElementById('photo').focus()")
            other.choose_by_keyboard(_save(tmp_path / "photo.jpg", 3))
            _wait_for_counts(other, {"No label yet": 1})
            (tmp_path / "photo-390.png").write_bytes(other.screenshot())
            assert not other.complaints
        _wait_for_counts(page, {"No label yet": 1})
        assert not page.complaints
    assert (tmp_path / "pets" / "photo.jpg").is_file()
