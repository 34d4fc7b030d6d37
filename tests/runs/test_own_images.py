"""`greycard test`: a run measured on the user's own images, compared with validation, recorded each time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.evaluation.intervals import unpaired_interval, wilson
from greycard.reports.measured import difference, measured_line, measurement_rows
from greycard.runs.measurements import Earlier, Measurement, SeenImages

TINY: dict[str, Any] = {"epochs": 4, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
NAMES = ("dark", "light")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    root = tmp_path_factory.mktemp("own")
    data = make_folder(root / "images", ("train", "validation"), NAMES, 12)
    return greycard.train(data, weights="none", out=root / "runs", quiet=True, **TINY)


@pytest.fixture
def run(trained: greycard.Run, tmp_path: Path) -> greycard.Run:
    """A copy, because a measurement is written into the run."""
    return greycard.open_run(shutil.copytree(trained.path, tmp_path / "runs" / "images-1"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """New images of the same classes."""
    root = tmp_path / "photos"
    for label, name in enumerate(NAMES):
        (root / name).mkdir(parents=True)
        for number in range(5):
            image(5000 + 10 * label + number, 40 + 170 * label).save(root / name / f"{number}.png")
    return root


def rows(found: Measurement) -> dict[str, str]:
    return dict(measurement_rows(found))


def test_the_figures_are_those_of_predict(run: greycard.Run, photos: Path, cli: Any) -> None:
    said = cli("test", run.path, photos)
    assert said.code == 0, said.err
    found = run.measurements[0]
    truth = [(path.parent.name, run.predict(path)[0].label) for path in sorted(photos.rglob("*.png"))]
    assert (found.images, found.right) == (10, sum(true == label for true, label in truth))
    assert (found.val_images, found.val_right) == (24, round(24 * run.summary.val_accuracy))
    assert found.interval == wilson(found.right, 10)
    assert f"images-1 on photos, 10 images:\n  accuracy             {100 * found.accuracy:.2f} %" in said.out
    assert "none: no equal or nearly equal images in training or validation" in said.out
    page = run.path / "tests" / "1" / "report.html"
    assert str(page) in said.err
    assert "10 test images in photos" in page.read_text(encoding="utf-8")
    assert not found.earlier


def test_json_has_the_record_and_what_follows_from_it(run: greycard.Run, photos: Path, cli: Any) -> None:
    said = json.loads(cli("test", run.path, photos, "--format", "json").out)
    found = run.measurements[0]
    assert said == json.loads(json.dumps(found.to_json() | found.derived()))
    assert Measurement.from_json({name: said[name] for name in found.to_json()}) == found


def test_show_report_and_card_have_it(run: greycard.Run, photos: Path, cli: Any) -> None:
    found = run.test(photos)
    line = measured_line(found)
    assert f"  on photos            {line}" in cli("show", run.path).out
    assert line in run.report()
    assert "- Measured on photos: " in run.card()


def test_images_that_were_trained_on_are_named_and_left_out_of_the_comparison(run: greycard.Run, photos: Path) -> None:
    """Equal files under other names, and saved again in another format and size."""
    data = Path(json.loads((run.path / "run_args.json").read_text())["data"])
    shutil.copy(data / "train" / "dark" / "003.jpg", photos / "dark" / "copy.jpg")
    shutil.copy(data / "validation" / "light" / "002.jpg", photos / "light" / "other.jpg")
    found = run.test(photos)
    assert found.seen is not None
    assert (found.images, found.seen.train, found.seen.validation) == (12, 1, 1)
    assert found.unseen[1] == 10
    assert found.seen.example in (
        ("dark/copy.jpg", "train/dark/003.jpg"),
        ("light/other.jpg", "validation/light/002.jpg"),
    )
    assert rows(found)["on unseen images"].endswith("on 10 images")
    again = run.test(data)
    assert again.unseen == (0, 0)
    assert again.against_validation is None
    assert "says nothing about new images" in rows(again)["on unseen images"]


def test_arrays_are_compared_by_their_pixels(tmp_path: Path) -> None:
    small = {"epochs": 1, "train_limit": 60, "val_limit": 30, "conv": (), "dense": (8,), "quiet": True}
    run = greycard.train("digits-cnn", out=tmp_path, **small)
    found = run.test("digits")
    assert found.seen is not None
    assert (found.images, found.seen.searched) == (1797, "equal pixels")
    assert (found.seen.train, found.seen.validation) == (60, 30)


def test_the_second_time_is_noted_whatever_the_folder_is_called(run: greycard.Run, photos: Path) -> None:
    first = run.test(photos)
    os.rename(photos, photos.with_name("renamed"))
    second = run.test(photos.with_name("renamed"))
    assert (first.digest, first.number, second.number) == (second.digest, 1, 2)
    assert second.earlier == (Earlier("images-1", first.measured, 10, first.right, 10),)
    assert "all of the images by images-1" in rows(second)["measured before"]
    assert "are validation images and no longer a test" in rows(second)["measured before"]


def test_another_run_that_was_measured_on_them_is_named(run: greycard.Run, photos: Path) -> None:
    other = greycard.open_run(shutil.copytree(run.path, run.path.with_name("images-2")))
    run.test(photos)
    shutil.rmtree(photos / "light")
    found = other.test(photos)
    assert [(each.run, each.images, each.of) for each in found.earlier] == [("images-1", 5, 10)]
    assert "5 of the images" not in rows(found)["measured before"]  # these are all that are left
    (run.path / "tests" / "1" / "predictions.npz").write_bytes(b"damaged")
    assert [each.run for each in other.test(photos).earlier] == ["images-2"]


def test_missing_training_images_are_no_obstacle(run: greycard.Run, photos: Path) -> None:
    (run.path / "run_args.json").unlink()
    found = run.test(photos)
    assert found.seen is None
    assert "unknown" in rows(found)["seen before"]


def test_a_class_without_images_is_named_and_not_compared(run: greycard.Run, photos: Path) -> None:
    shutil.rmtree(photos / "light")
    found = run.test(photos)
    assert (found.images, found.missing, found.val_images) == (5, ("light",), 12)
    assert rows(found)["not measured"] == "no images of light"
    assert "on 12 images of these classes" in rows(found)["validation"]


def test_a_label_file_and_unreadable_files(run: greycard.Run, photos: Path) -> None:
    (photos / "dark" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    lines = [f"{path.relative_to(photos)},{path.parent.name}" for path in sorted(photos.rglob("*.png"))]
    (photos / "labels.csv").write_text("path,label\n" + "\n".join(lines) + "\n")
    for data in (photos, photos / "labels.csv"):
        found = run.test(data)
        assert found.images == 10
        assert [Path(item.id).name for item in found.left_out] == ["bad.png"]


def _renamed(photos: Path) -> Path:
    (photos / "dark").rename(photos / "Dark")
    return photos


def _additional(photos: Path) -> Path:
    make_folder(photos, ("",), ("elephant",), 1)
    return photos


def _foreign(photos: Path) -> Path:
    return make_folder(photos / "in", ("",), ("one", "two"), 1)


def _unlabelled(photos: Path) -> Path:
    for path in (photos / "dark").iterdir():
        path.rename(photos / path.name)
    shutil.rmtree(photos / "dark")
    shutil.rmtree(photos / "light")
    return photos


def _only_test(photos: Path) -> Path:
    root = photos.with_name("all")
    root.mkdir()
    photos.rename(root / "test")
    return root


def _nothing(photos: Path) -> Path:
    return photos / "nowhere"


MISTAKES: dict[Callable[[Path], Path], tuple[str, str]] = {
    _renamed: ("has the class Dark, which images-1 does not know; expected dark, light", "rename Dark to dark"),
    _additional: ("has the class elephant", "rename elephant to the class that it shows, or leave it out"),
    _foreign: ("has the classes one, two", "name images of the model's classes"),
    _unlabelled: ("are not in class folders", "make a folder for each class, with its name: dark, light"),
    _only_test: ("has test and no train/", "name the folder of the test images:"),
    _nothing: ("does not exist", "hint:"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__.strip("_"))
def test_a_mistake_is_a_sentence_and_writes_nothing(
    mistake: Callable[[Path], Path], run: greycard.Run, photos: Path, cli: Any
) -> None:
    said = cli("test", run.path, mistake(photos))
    sentence, hint = MISTAKES[mistake]
    assert said.code == 2
    assert sentence in said.err
    assert hint in said.err
    assert not (run.path / "tests").exists()


def test_the_hint_for_a_folder_with_only_test_images_works(run: greycard.Run, photos: Path, cli: Any) -> None:
    said = cli("test", run.path, _only_test(photos))
    assert cli("test", run.path, said.err.rpartition(": ")[2].strip()).code == 0


def test_a_regression_and_an_unfinished_run_cannot_be_measured(run: greycard.Run, photos: Path, tmp_path: Path) -> None:
    prices = greycard.train("house-prices", out=tmp_path / "prices", epochs=1, quiet=True)
    with pytest.raises(GreycardError, match="is a regression; only a classifier can be measured"):
        prices.test(photos)
    (run.path / "summary.json").unlink()
    with pytest.raises(GreycardError, match="is unfinished"):
        run.test(photos)


def test_a_damaged_record_is_named(run: greycard.Run, photos: Path, cli: Any) -> None:
    run.test(photos)
    file = run.path / "tests" / "1" / "measurement.json"
    file.write_text("{}")
    said = cli("show", run.path)
    assert (said.code, str(file) in said.err) == (2, True)
    assert "measure again" in said.err


def a_measurement(right: int, images: int, val_right: int, val_images: int, **figures: Any) -> Measurement:
    usual: dict[str, Any] = {"number": 1, "run": "a", "data": "b", "measured": "2026-01-01T00:00:00+00:00"}
    usual |= {
        "digest": "0",
        "labels": None,
        "seen": None,
        "earlier": (),
        "missing": (),
        "left_out": (),
        "greycard": "0",
    }
    counts = {"right": right, "images": images, "val_right": val_right, "val_images": val_images}
    return Measurement(**(usual | counts | figures))


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ((50, 100, 95, 100), "lower than on validation by 33.6 to 55.0 points"),
        ((95, 100, 50, 100), "higher than on validation by 33.6 to 55.0 points"),
        ((90, 100, 91, 100), "cannot be told apart from validation: between 9.5 points lower and 7.5 higher"),
        ((9, 10, 0, 0), "it cannot be compared with validation"),
    ],
)
def test_the_comparison_with_validation_is_a_sentence(counts: tuple[int, int, int, int], sentence: str) -> None:
    assert difference(a_measurement(*counts)) == sentence


def test_only_unseen_images_are_compared() -> None:
    seen = SeenImages(40, 10, None, "equal files", 20)
    found = a_measurement(70, 100, 90, 100, seen=seen)
    assert found.unseen == (20, 50)
    assert difference(found).startswith("lower than on validation")


def test_the_interval_of_two_proportions_is_newcombes() -> None:
    """The examples of table II of his article, method 10."""
    expected = {
        ((56, 70), (48, 80)): (0.0524, 0.3339),
        ((9, 10), (3, 10)): (0.1705, 0.8090),
        ((5, 56), (0, 29)): (-0.0381, 0.1926),
        ((10, 10), (0, 10)): (0.6075, 1.0),
    }
    for counts, interval in expected.items():
        assert unpaired_interval(*counts) == pytest.approx(interval, abs=5e-5)
        ours = confint_proportions_2indep(counts[0][0], counts[0][1], *counts[1], method="newcomb")
        assert unpaired_interval(*counts) == pytest.approx(ours)


PROPORTION = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(first=PROPORTION, second=PROPORTION)
def test_the_interval_holds_the_difference_and_turns_with_the_sides(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    low, high = unpaired_interval(first, second)
    assert low <= first[0] / first[1] - second[0] / second[1] <= high
    assert -1 <= low <= high <= 1
    assert np.allclose(unpaired_interval(second, first), (-high, -low))
