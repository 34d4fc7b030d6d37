"""`greycard predict` into files: continued after kills, refused where it would mix answers, and its other outputs."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from conftest import image
from greycard.core.errors import GreycardError
from greycard.deploy.inputs import frames
from videos import write_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shades")
    for label, name in enumerate(("dark", "light")):
        (root / name).mkdir()
        for number in range(10):
            image(100 * label + number, 40 + 170 * label).save(root / name / f"{number}.jpg")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    dataset = greycard.load_folder(folder, val_fraction=0.5)
    recipe: dict[str, Any] = {
        "name": "shades",
        "image_size": 24,
        "conv": (8,),
        "dense": (16,),
        "backbone": None,
        "epochs": 20,
    }
    recipe |= {"optimizer": "adam", "learning_rate": 0.01, "augmentation": None}
    return greycard.train(dataset, out=tmp_path_factory.mktemp("runs"), quiet=True, **recipe)


def _rows(place: Path) -> list[dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _answers(place: Path) -> list[tuple[str, str, float]]:
    """Path, class and probability of each answer, from any form of file."""
    rows: Sequence[dict[str, Any]]
    if place.suffix == ".csv":
        rows = _rows(place)
    elif place.suffix == ".jsonl":
        rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    else:
        rows = pytest.importorskip("pyarrow.parquet").read_table(place).to_pylist()
    return [(row["path"], row["class"], float(row["probability"])) for row in rows]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_answers_are_those_that_are_printed(run: greycard.Run, folder: Path, ending: str, cli: Any) -> None:
    done = cli("predict", run.path, folder, "-o", f"answers.{ending}")
    assert (done.code, done.out) == (0, f"answers.{ending}: 20 images\n")
    expected = [(each.source, each.label, each.probability) for each in run.predict(sorted(folder.rglob("*.jpg")))]
    found = _answers(Path(f"answers.{ending}"))
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    assert [each[2] for each in found] == pytest.approx([each[2] for each in expected], abs=2e-6)


def test_the_same_command_again_has_nothing_to_do_and_new_images_are_added(
    run: greycard.Run, folder: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("predict", run.path, folder / "dark", folder / "dark" / "1.jpg", "more*", "-o", "answers.csv")
    Path("more.jpg").write_bytes(b"no image")
    first = cli(*words)
    assert (first.code, first.out) == (1, "answers.csv: 11 images, 1 could not be read\n")
    before = Path("answers.csv").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(greycard.Run, "classifier", property(lambda self: pytest.fail("the model is not needed")))
        again = cli(*words)
    assert (again.code, again.out) == (
        1,
        "answers.csv has the answers of all 11 images, 1 could not be read; there is nothing to predict\n",
    )
    assert Path("answers.csv").read_bytes() == before
    image(3).save("more2.jpg")
    assert cli(*words).out == "answers.csv: 12 images, 1 of them new, 1 could not be read\n"
    assert Path("answers.csv").read_bytes().startswith(before)
    assert _rows(Path("answers.csv"))[10]["error"] == "not an image in a known format"


def test_mistakes_are_told_before_anything_is_written(run: greycard.Run, folder: Path, cli: Any) -> None:
    Path("mine.csv").write_text("path,label\n")
    Path("full").mkdir()
    Path("full/notes.txt").write_text("mine")
    for words, said in (
        (("-o", "mine.csv"), "was not made by"),
        (("-o", "a.csv", "--format", "csv"), "--format is of printed lines"),
        (("--copy",), "--copy needs --sort-into"),
        (("--sort-into", folder / "sorted"), "the next call would predict what this one writes"),
        (("--gallery", folder / "look"), "the next call would predict what this one writes"),
        (("--gallery", "full"), "already has other files"),
        (("--gallery", "mine.csv"), "is a file; a gallery is a folder"),
        (("--sort-into", "mine.csv"), "is a file; expected a folder"),
        (("--sort-into", "no/where"), "does not exist"),
        (("-o", "a.csv", "--every", "soon"), "must be more than zero"),
        (("--gallery", "look", "--refuse", "lots"), "above 0 and below 1"),
    ):
        done = cli("predict", run.path, folder, *words)
        assert (done.code, done.out) == (2, ""), words
        assert said in done.err
        assert "hint: " in done.err
    assert sorted(os.listdir()) == ["full", "mine.csv"]
    assert sorted(os.listdir(folder)) == ["dark", "light"]


def test_another_run_or_other_options_are_refused(run: greycard.Run, folder: Path, cli: Any) -> None:
    assert cli("predict", run.path, folder, "-o", "answers.csv", "--gallery", "look").code == 0
    done = cli("predict", run.path, folder, "-o", "answers.csv", "--top", "2")
    assert (done.code, "answers of --top 1. Received: --top 2" in done.err) == (2, True)
    done = cli("predict", run.path, folder, "-o", "other.csv", "--gallery", "look", "--top", "2")
    assert (done.code, "look has answers of --top 1" in done.err) == (2, True)
    assert not Path("other.csv").exists()


def test_images_are_sorted_and_shown_without_a_file_of_answers(run: greycard.Run, folder: Path, cli: Any) -> None:
    done = cli("predict", run.path, folder, "--sort-into", "sorted", "--gallery", "look", "--refuse", "none")
    assert done.code == 0
    assert "sorted: 20 links in 2 folders" in done.out
    expected = {path.resolve() for path in folder.rglob("*.jpg")}
    links = [path for path in Path("sorted").rglob("*.jpg") if path.is_symlink()]
    assert {path.resolve() for path in links} == expected
    labels = {each.source: each.label for each in run.predict(sorted(folder.rglob("*.jpg")), refuse=None)}
    assert all(labels[str(path.resolve())] == path.parent.name for path in links)
    assert {path.name for path in Path("look").iterdir()} == {".greycard.job.json", "index.html", "thumbnails"}
    again = cli("predict", run.path, folder, "--sort-into", "sorted", "--gallery", "look", "--refuse", "none")
    assert "sorted: 0 links in 2 folders, 20 were there before" in again.out
    assert greycard.load_folder("sorted").classes == ("dark", "light")  # the answers inside are hidden


def test_names_on_stdin_are_written_once(
    run: greycard.Run, folder: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(map(str, folder.rglob("*.jpg")))
    for listed, known in ((names[:12], 12), (names + names, 20), (names, 20)):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(listed)))
        assert cli("predict", run.path, "-", "-o", "answers.csv").code == 0
        assert len(_rows(Path("answers.csv"))) == known
    assert sorted(row["path"] for row in _rows(Path("answers.csv"))) == names


def test_python_writes_the_same(run: greycard.Run, folder: Path) -> None:
    outcome = run.predict_to("answers.jsonl", [folder / "dark", f"{folder}/light/*.jpg"], top=2, sort_into="sorted")
    assert (outcome.predicted.new, outcome.predicted.bad) == (20, 0)
    assert outcome.sorted_images is not None
    assert outcome.sorted_images.placed == 20
    assert run.predict_to("answers.jsonl", folder, top=2).predicted.new == 0
    with pytest.raises(GreycardError, match="--unsure"):
        run.predict_to("answers.jsonl", folder, top=2, unsure=0.5)
    for wrong in ({"top": 0}, {"unsure": 7.0}, {"every": 0}, {"every": "1s"}):
        with pytest.raises(GreycardError, match=f"{next(iter(wrong))} must be"):
            run.predict_to("more.jsonl", folder, **wrong)  # type: ignore[arg-type]
    assert not Path("more.jsonl").exists()


def test_a_video_is_predicted_frame_by_frame(run: greycard.Run, cli: Any) -> None:
    write_video(Path("film.mp4"))
    Path("bad.mp4").write_bytes(b"no video")
    printed = cli("predict", run.path, "film.mp4", "bad.mp4", "--every", "1.5s", "--format", "csv")
    assert printed.code == 1
    assert "1 of 3 files could not be read" in printed.err
    assert [line.split(",")[0] for line in printed.out.splitlines()[1:]] == [
        "film.mp4@00:00:00.000",
        "film.mp4@00:00:01.500",
        "bad.mp4",
    ]
    words = ("predict", run.path, "film.mp4", "--every", "1.5s", "-o", "film.csv", "--gallery", "look")
    assert cli(*words).code == 0
    assert [row["path"] for row in _rows(Path("film.csv"))] == [f"film.mp4@00:00:0{at}00" for at in ("0.0", "1.5")]
    saved = sorted(Path("look/frames").iterdir())
    assert [path.name[:22] for path in saved] == ["film.mp4@00-00-00.000-", "film.mp4@00-00-01.500-"]
    assert "there is nothing to predict" in cli(*words).out


class _Camera:
    """Gives an image whenever it is asked, and ends after three."""

    def __init__(self) -> None:
        self.given: list[float] = []

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def grab(self) -> bool:
        return len(self.given) < 3

    def retrieve(self) -> tuple[bool, Any]:
        self.given.append(time.monotonic())
        return True, np.full((48, 64, 3), 200, np.uint8)

    def get(self, number: int, /) -> float:
        return 0.0

    def release(self) -> None:
        pass


def test_a_cameras_frame_is_predicted_before_the_next_one_is_read(
    run: greycard.Run, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for the camera: no real one was used."""
    camera, known = _Camera(), []
    monkeypatch.setattr(frames, "_opened", lambda source: camera)
    predict_each = greycard.Run.predict_each

    def noted(*words: Any, **more: Any) -> Iterator[Any]:
        for found in predict_each(*words, **more):
            known.append(len(camera.given))
            yield found

    monkeypatch.setattr(greycard.Run, "predict_each", noted)
    done = cli("predict", run.path, "camera:0", "--every", "1ms", "-o", "camera.csv")
    assert done.code == 2  # the camera has ended
    assert "camera 0 gives no images" in done.err
    assert known == [1, 2, 3]
    assert [row["path"][:10] for row in _rows(Path("camera.csv"))] == ["camera:0@2"] * 3
    refused = cli("predict", run.path, "camera:0", "--sort-into", "sorted")
    assert (refused.code, "not kept" in refused.err) == (2, True)


@pytest.fixture
def many(folder: Path, tmp_path: Path) -> Path:
    """9,000 links to a few images, and one file that is no image."""
    originals = sorted(folder.rglob("*.jpg"))
    (tmp_path / "many").mkdir()
    for number in range(9000):
        os.link(originals[number % len(originals)], tmp_path / "many" / f"{number:05}.jpg")
    (tmp_path / "many" / "bad.jpg").write_text("no image")
    return tmp_path / "many"


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_kills_at_several_moments_lose_and_repeat_nothing(run: greycard.Run, many: Path, ending: str) -> None:
    place = Path(f"answers.{ending}").absolute()
    growing = place if ending != "parquet" else place.with_name("answers.parquet.rows.jsonl")
    words = [sys.executable, "-m", "greycard", "predict", str(run.path), str(many), "-o", str(place), "--quiet"]
    kills, chance = 0, random.Random(0)
    while True:
        before = growing.stat().st_size if growing.exists() else 0
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 120
            while process.poll() is None and not (growing.exists() and growing.stat().st_size > before):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            if kills < 4:
                process.send_signal(signal.SIGKILL)
            code = process.wait(timeout=300)
        if code != -signal.SIGKILL:
            break
        kills += 1
    assert (code, kills >= 2) == (1, True), "the images were predicted too quickly for this test"
    rows = _paths(place)
    assert rows == sorted(map(str, many.iterdir()))
    fresh = place.with_name(f"fresh.{ending}")
    assert subprocess.run([*words[:-2], str(fresh), "--quiet"], stdout=subprocess.DEVNULL).returncode == 1
    assert _paths(fresh) == rows
    assert sorted(path.name for path in place.parent.iterdir() if path.name.startswith("answers")) == [
        place.name,
        f"{place.name}.job.json",
    ]


def _paths(place: Path) -> list[str]:
    if place.suffix == ".parquet":
        return pytest.importorskip("pyarrow.parquet").read_table(place)["path"].to_pylist()
    if place.suffix == ".csv":
        return [row["path"] for row in _rows(place)]
    return [json.loads(line)["path"] for line in place.read_text(encoding="utf-8").splitlines()]
