"""The gallery: what is on its page, its thumbnails, and how its corrections are trained on."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.core.output_files import made_by_greycard
from greycard.deploy.answers.answer import Answer
from greycard.deploy.gallery.gallery import PAGE, Shown, expect_gallery_place, gallery_page, write_gallery
from videos import write_video


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def _answer(path: str | Path, label: str, probability: float = 0.9, error: str | None = None) -> Answer:
    return Answer(str(path), label, probability, ((label, probability),), error)


def _size(file: Path) -> tuple[int, int]:
    with Image.open(file) as opened:
        return opened.size


def _written(root: Path, answers: Sequence[Answer], classes: Sequence[str] = ("cat", "dog")) -> dict[str, object]:
    done: list[int] = []
    page = write_gallery(root, "pets-1", answers, classes, 1.0, done.append)
    assert sum(done) == len(answers)
    return data_of(page.read_text(encoding="utf-8"))


def test_images_are_in_groups_and_the_least_sure_come_first(tmp_path: Path) -> None:
    facts = [("dog", 0.6), ("cat", 0.9), ("none of these", 0.4), ("cat", 0.5), ("dog", 0.51)]
    shown = [Shown(f"{number}.jpg", "", (label,), value) for number, (label, value) in enumerate(facts)]
    data = data_of(gallery_page("pets-1", shown, ("cat", "dog", "rabbit"), 0))
    assert (data["labels"], data["classes"]) == (["cat", "dog", "rabbit", "none of these"], ["cat", "dog", "rabbit"])
    assert [row[0] for row in data["images"]] == ["2.jpg", "3.jpg", "4.jpg", "0.jpg", "1.jpg"]  # type: ignore[attr-defined]
    assert [row[2] for row in data["images"]] == [[3], [0], [1], [1], [0]]  # type: ignore[attr-defined]


def test_an_image_with_several_labels_is_in_the_group_of_each(tmp_path: Path) -> None:
    pairs = (("cat", 0.9), ("dog", 0.6))
    sets = {"both.jpg": ("cat", "dog"), "cat.jpg": ("cat",), "nothing.jpg": ()}
    answers = [Answer(name, "", 0.6, pairs, labels=labels) for name, labels in sets.items()]
    answers.append(Answer("strange.jpg", "", 0.9, pairs, refused=True, labels=("cat",)))
    answers.append(Answer("unsure.jpg", "", 0.3, pairs, review=True, labels=("dog",)))
    page = write_gallery(tmp_path / "look", "pets-1", answers, ("cat", "dog"), 1.0, lambda count: None, several=True)
    data = data_of(page.read_text(encoding="utf-8"))
    assert (data["between"], data["none"]) == (";", "none")
    assert data["labels"] == ["cat", "dog", "none", "none of these", "unsure"]
    rows = {row[0]: (row[2], *row[5:]) for row in data["images"]}  # type: ignore[attr-defined]
    assert rows == {
        "both.jpg": ([0, 1], [0, 1]),
        "cat.jpg": ([0], [0]),
        "nothing.jpg": ([2], []),
        "strange.jpg": ([3],),  # its answer is none of the labels
        "unsure.jpg": ([4], [1]),
    }


def test_names_are_text_wherever_they_are(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script><b>"
    page = gallery_page(hostile, [Shown(f"{hostile}.jpg", "", (hostile,), 0.5)], (hostile, "{{ 7 * 7 }}"), 3)
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert "49" not in str(data_of(page)["labels"])
    assert data_of(page)["labels"] == [hostile, "{{ 7 * 7 }}"]
    assert "1 images, 3 more could not be read" in page


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    page = gallery_page("pets-1", [], ("cat", "dog"), 0)
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)[^\"']*|https?://|@import|url\(", page)


def test_thumbnails_are_made_once_and_again_for_a_changed_image(tmp_path: Path) -> None:
    file, root = tmp_path / "a.jpg", tmp_path / "look"
    image(1, size=(300, 600)).save(file)
    _written(root, [_answer(file, "cat"), _answer("bad.jpg", "", error="not an image")])
    (first,) = (root / "thumbnails").rglob("*.jpg")
    assert _size(first) == (192, 96)
    made = first.stat().st_mtime_ns
    data = _written(root, [_answer(file, "cat")])
    assert f"{data['images'][0][1]}.jpg" == first.relative_to(root / "thumbnails").as_posix()  # type: ignore[index]
    assert first.stat().st_mtime_ns == made
    image(2, size=(300, 600)).save(file)
    os.utime(file, ns=(1, 1))
    _written(root, [_answer(file, "cat")])
    assert len(list((root / "thumbnails").rglob("*.jpg"))) == 2
    assert not list(root.rglob(".incomplete*"))


def test_an_image_that_is_gone_is_shown_without_a_thumbnail(tmp_path: Path) -> None:
    data = _written(tmp_path / "look", [_answer("gone.jpg", "cat")])
    assert data["images"] == [["gone.jpg", "", [0], 0.9]]


def test_frames_are_saved_so_that_corrections_can_name_them(tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4")
    data = _written(tmp_path / "look", [_answer(f"{video}@00:00:0{second}.000", "cat") for second in (0, 1)])
    files = [Path(row[4]) for row in data["images"]]  # type: ignore[attr-defined]
    assert all(file.is_absolute() and _size(file) == (64, 48) for file in files)
    assert len(set(files)) == 2


def test_only_an_empty_folder_or_a_gallery_is_written(tmp_path: Path) -> None:
    _written(tmp_path / "look", [])
    assert made_by_greycard(tmp_path / "look" / PAGE)
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        expect_gallery_place(tmp_path / name)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / PAGE).write_text("<html>")
    (tmp_path / "file").touch()
    for name, said in (("mine", "other files"), ("file", "is a file")):
        with pytest.raises(GreycardError, match=said):
            expect_gallery_place(tmp_path / name)


def test_corrections_are_a_label_file_that_is_trained_on(tmp_path: Path) -> None:
    """The form that the page saves: absolute paths and labels."""
    lines = ["path,label"]
    for number in range(12):
        file = tmp_path / "new" / f"{number}, new.jpg"
        file.parent.mkdir(exist_ok=True)
        image(number, 40 + 170 * (number % 2)).save(file)
        lines.append(f'"{file}",{("fox", "my cat")[number % 2]}')
    (tmp_path / "downloads").mkdir()
    saved = tmp_path / "downloads" / "corrections.csv"
    saved.write_text("\n".join(lines) + "\n")
    dataset = greycard.open_dataset(saved)
    assert len(dataset.train) + len(dataset.validation) == 12
    assert "fox" in dataset.classes


def test_corrections_are_added_to_a_split_as_the_docs_say(tmp_path: Path, cli: Any) -> None:
    pets = make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 6)
    fox = tmp_path / "new" / "fox.jpg"
    fox.parent.mkdir()
    image(99).save(fox)
    Path("corrections.csv").write_text(f"path,label\n{fox},cat\n")
    assert cli("split", pets, "-o", "all.csv").code == 0
    page = (Path(__file__).parents[2] / "docs" / "predict.md").read_text(encoding="utf-8")
    line = next(each for each in page.splitlines() if each.startswith("tail "))
    before = greycard.open_dataset("all.csv")
    subprocess.run(line, shell=True, check=True)
    after = greycard.open_dataset("all.csv")
    assert len(after.train) == len(before.train) + 1
    assert fox in after.train.images
    assert after.validation.ids == before.validation.ids
