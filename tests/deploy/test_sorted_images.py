"""Images sorted by their answers: links or copies, and nothing that was there is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import image
from greycard.core.errors import GreycardError
from greycard.core.reporter import Silent
from greycard.datasets.folder_names import LONGEST, folder_names
from greycard.deploy.answers.answer import Answer
from greycard.deploy.answers.file import answers_file
from greycard.deploy.answers.job import Job, Question
from greycard.jobs.predict import Predicted
from greycard.jobs.sort_images import SortedImages, sort_images
from videos import write_video

JOB = Job("pets-1", "0" * 64, Question(), "/images")


def _sorted(
    answers: Sequence[Answer], root: Path, classes: Sequence[str] = ("cat", "dog"), *, copies: bool = False
) -> SortedImages:
    place = root.parent / "answers.csv"
    place.unlink(missing_ok=True)
    with answers_file(place, JOB) as file:
        for answer in answers:
            file.append(answer)
    predicted = Predicted(place, len(answers), 0, 0, file.camera)
    return sort_images(predicted, JOB, root, classes, copies=copies, reporter=Silent())


def _answer(path: str | Path, label: str, **facts: Any) -> Answer:
    return Answer(str(path), label, 0.9, ((label, 0.9),), **facts)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Images of the same name, the last two with the same content, too."""
    found = [tmp_path / "new" / folder / "0.jpg" for folder in ("a", "b", "c")]
    for number, file in enumerate(found):
        file.parent.mkdir(parents=True)
        image(min(number, 1)).save(file)
    return found


def test_an_image_is_in_the_folder_of_each_of_its_labels(tmp_path: Path, files: list[Path]) -> None:
    sets = (("cat", "dog"), ("dog",), ())
    pairs = (("cat", 0.5), ("dog", 0.5))
    answers = [Answer(str(file), "", 0.5, pairs, labels=each) for file, each in zip(files, sets, strict=True)]
    place, job = tmp_path / "answers.csv", Job("pets-1", "0" * 64, Question(labels=("cat", "dog")), "/images")
    with answers_file(place, job) as file:
        for answer in answers:
            file.append(answer)
    root = tmp_path / "sorted"
    done = sort_images(Predicted(place, 3, 0, 0), job, root, ("cat", "dog"), copies=False, reporter=Silent())
    assert (done.placed, done.folders) == (4, 3)
    found = {folder.name: sorted(path.resolve() for path in folder.iterdir()) for folder in root.iterdir()}
    assert found == {"cat": files[:1], "dog": sorted(files[:2]), "none": files[2:]}


@pytest.mark.parametrize("copies", [False, True])
def test_same_names_do_not_collide_and_a_second_call_adds_nothing(
    tmp_path: Path, files: list[Path], copies: bool
) -> None:
    root, answers = tmp_path / "sorted", [_answer(file, "cat") for file in files]
    first = _sorted(answers, root, copies=copies)
    assert (first.placed, first.there, first.folders) == (3, 0, 1)
    placed = sorted((root / "cat").iterdir())
    assert sorted(path.read_bytes() for path in placed) == sorted(file.read_bytes() for file in files)
    assert all(path.is_symlink() is not copies for path in placed)
    again = _sorted(answers, root, copies=copies)
    assert (again.placed, again.there) == (0, 3)
    assert sorted((root / "cat").iterdir()) == placed
    if not copies:
        assert {path.resolve() for path in placed} == set(files)


def test_what_is_in_the_folder_stays(tmp_path: Path, files: list[Path]) -> None:
    mine = tmp_path / "sorted" / "cat" / "0.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    found = _sorted([_answer(file, "cat") for file in files], tmp_path / "sorted")
    assert (found.placed, mine.read_bytes(), len(list(mine.parent.iterdir()))) == (3, b"mine", 4)
    assert all(file.is_file() and not file.is_symlink() for file in files)


def test_a_folder_that_is_full_of_other_files_is_an_error(tmp_path: Path, files: list[Path]) -> None:
    _sorted([_answer(files[0], "cat")], tmp_path / "sorted")
    link = next((tmp_path / "sorted" / "cat").iterdir())
    link.unlink()
    link.mkdir()
    _sorted([_answer(files[0], "cat")], tmp_path / "sorted")
    with_digits = next(path for path in link.parent.iterdir() if path.name.startswith("0-"))
    with_digits.unlink()
    with_digits.mkdir()
    assert _sorted([_answer(files[0], "cat")], tmp_path / "sorted").placed == 1  # all digits of the digest
    longest = next(path for path in link.parent.iterdir() if len(path.name) > 60)
    longest.unlink()
    longest.write_bytes(b"mine")
    with pytest.raises(GreycardError, match="has other files named"):
        _sorted([_answer(files[0], "cat")], tmp_path / "sorted")


def test_without_links_images_are_copied(tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as disk:
        disk.setattr(os, "symlink", refuse)
        disk.setattr(os, "link", refuse)
        found = _sorted([_answer(file, "cat") for file in files], tmp_path / "sorted")
        again = _sorted([_answer(file, "cat") for file in files], tmp_path / "sorted")
    assert (found.copies, found.placed, again.placed, again.there) == (True, 3, 0, 3)
    assert not [path for path in (tmp_path / "sorted").rglob("*") if path.is_symlink() or path.name.startswith(".")]


def test_a_full_disk_leaves_no_part_of_a_copy(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_a_part(source: Path, place: Path) -> None:
        place.write_bytes(source.read_bytes()[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copy2", write_a_part)
    with pytest.raises(OSError, match="No space") as full:
        _sorted([_answer(files[0], "cat")], tmp_path / "sorted", copies=True)
    assert full.value.filename == str(tmp_path / "sorted" / "cat" / "0.jpg")
    assert not list((tmp_path / "sorted" / "cat").iterdir())


def test_answers_that_are_no_class_have_their_folders(tmp_path: Path, files: list[Path]) -> None:
    answers = [
        _answer(files[0], "cat", refused=True),
        _answer(files[1], "dog", review=True),
        _answer("bad.jpg", "", error="not an image"),
    ]
    job = Job("pets-1", "0" * 64, Question(unsure=0.95), "/images")
    with answers_file(tmp_path / "unsure.csv", job) as file:
        for answer in answers:
            file.append(answer)
    predicted = Predicted(tmp_path / "unsure.csv", 3, 0, 1)
    sort_images(predicted, job, tmp_path / "sorted", ["cat", "dog"], copies=False, reporter=Silent())
    places = [path.relative_to(tmp_path / "sorted").as_posix() for path in (tmp_path / "sorted").rglob("*.jpg")]
    assert sorted(places) == ["none of these/0.jpg", "unsure/0.jpg"]


HOSTILE = ("a/b", "..", ".", "CON", "con.txt", "a:b", "Cat", "cat", "", ".hidden", "end.", "x\0y", "a_b", "ü" * 300)


def test_class_names_that_no_folder_can_have(tmp_path: Path, files: list[Path]) -> None:
    root = tmp_path / "sorted"
    _sorted([_answer(file, label) for file, label in zip(files, ("a/b", "..", "CON"), strict=True)], root, HOSTILE)
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))
    assert found == ["_/0.jpg", "_CON/0.jpg", "a_b/0.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "answers.csv.job.json", "new", "sorted"]


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text()), unique=True))
def test_every_class_has_one_safe_folder(labels: list[str]) -> None:
    names = folder_names(labels)
    assert list(names) == labels
    assert len({name.casefold() for name in names.values()}) == len(labels)
    for name in names.values():
        assert name not in ("", ".", "..")
        assert not set(name) & set('/\\:*?"<>|\0')
        assert not name.startswith(".")
        assert not name.endswith((".", " "))
        assert len(name) <= LONGEST + 5
        assert name.split(".")[0].casefold() not in ("con", "prn", "aux", "nul", "com1", "lpt1")
    assert folder_names([*labels, "one more"]) | names == folder_names([*labels, "one more"])


def test_frames_become_files(tmp_path: Path) -> None:
    videos = [tmp_path / folder / "film.mp4" for folder in ("x", "y")]
    for video in videos:
        video.parent.mkdir()
        write_video(video)
    answers = [_answer(f"{video}@00:00:0{second}.000", "cat") for video in videos for second in range(3)]
    assert _sorted(answers, tmp_path / "sorted").placed == 6
    assert _sorted(answers, tmp_path / "sorted").there == 6
    names = [path.name for path in (tmp_path / "sorted" / "cat").iterdir()]
    assert len(names) == 6
    assert all(name.startswith("film.mp4@00-00-0") and name.endswith(".jpg") for name in names)


def test_frames_of_a_camera_cannot_be_sorted(tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match=r"--sort-into needs .* camera:0@2026"):
        _sorted([_answer("camera:0@2026-01-02T03:04:05.000", "cat")], tmp_path / "sorted")
