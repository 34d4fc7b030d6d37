"""None of these: strange images are refused by every door, at the promised share, and marked for review."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import greycard
from conftest import make_folder
from greycard.backend import litert
from greycard.core.errors import GreycardError
from greycard.deploy.export import formats
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.last_hour import LastHour
from greycard.deploy.serve.models import make_ready
from greycard.evaluation.calibration import at_temperature
from greycard.evaluation.conformal import least_probability, members
from variants import quick_are

Cli = Callable[..., Any]


def _stranger(place: Path) -> Path:
    """A red image, which the grey classes have nothing like."""
    Image.fromarray(np.full((40, 48, 3), [255, 0, 0], np.uint8)).save(place)
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), ("dark", "light"), 60)
    (root / "strangers" / "more").mkdir(parents=True)
    for number in range(8):
        _stranger(root / "strangers" / "more" / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe: dict[str, Any] = {"image_size": 24, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 8}
    with pytest.warns(greycard.core.errors.GreycardWarning, match="never trained on"):
        return greycard.train(folder, name="shades", out=tmp_path_factory.mktemp("runs"), quiet=True, **recipe)


def test_strangers_are_no_class_and_no_training_images(folder: Path, run: greycard.Run) -> None:
    dataset = greycard.load_folder(folder)
    assert dataset.classes == run.classes == ("dark", "light")
    assert dataset.strangers is not None
    assert dataset.strangers.ids == tuple(f"strangers/more/{number}.png" for number in range(8))
    assert not any("strangers" in id for split in dataset.splits for id in split.ids)
    assert any("strangers has 8 images of none of the classes" in note for note in dataset.notes)


def test_the_run_says_what_it_promises_and_measures_it(run: greycard.Run) -> None:
    found = run.summary.rejection
    assert found is not None
    assert (found.share, found.calibrated_on, found.calibration_images, found.strangers_are) == (
        0.05, "validation", 60, "images",
    )  # fmt: skip
    assert found.own is not None
    assert found.own.images == 60
    assert found.strangers is not None
    assert (found.strangers.refused, found.strangers.images) == (8, 8)
    assert run.rejection is not None
    assert run.rejection.scores.rejection() == found
    assert len(run.rejection.strangeness.distances_bias) == 120


def test_the_stored_scores_are_those_of_the_predictions(run: greycard.Run, folder: Path) -> None:
    assert run.rejection is not None
    scores = run.rejection.scores
    found = run.predict([folder / id for id in scores.ids])
    np.testing.assert_allclose([each.strangeness for each in found], scores.calibration, atol=1e-3)


def test_a_stranger_is_none_of_these_and_own_images_are_not(run: greycard.Run, folder: Path) -> None:
    stranger, own = run.predict([_stranger(Path("wall.png")), folder / "train" / "dark" / "000.jpg"])
    assert (stranger.refused, stranger.answer, stranger.label in run.classes) == (True, "none of these", True)
    assert (own.refused, own.answer) == (False, "dark")
    assert stranger.strangeness is not None
    assert own.strangeness is not None
    assert 0 <= own.strangeness < stranger.strangeness <= 2
    assert "none of these" in repr(stranger)
    assert not run.predict("wall.png", refuse=None)[0].refused
    refused = [sum(each.refused for each in run.predict(_own(run, folder), refuse=share)) for share in (0.05, 0.3)]
    assert refused[0] < refused[1] <= 0.3 * 120


def _own(run: greycard.Run, folder: Path) -> list[Path]:
    return [folder / id for id in run.predictions["ids"]]


def test_the_command_says_none_of_these(run: greycard.Run, folder: Path, cli: Cli) -> None:
    wall, own = _stranger(Path("wall.png")), folder / "train" / "dark" / "000.jpg"
    said = cli("predict", run.path, wall, own, "--unsure", "0.5")
    first, second = (line.split("\t") for line in said.out.splitlines())
    assert first[:2] == ["wall.png", "none of these"]
    assert first[2].startswith("strangeness ")
    assert (first[3] in run.classes, first[-1]) == (True, "review")
    assert second[1] == "dark"
    assert "1 of 2 predictions to review: 1 none of these, 0 below 0.5" in said.err
    loose = cli("predict", run.path, wall, own, "--refuse", "none")
    assert "none of these" not in loose.out
    row = next(csv.DictReader(io.StringIO(cli("predict", run.path, wall, "--format", "csv", "--unsure", "1").out)))
    assert (row["refused"], row["review"], row["class"] in run.classes) == ("yes", "yes", True)
    assert float(row["strangeness"]) > 0
    line = json.loads(cli("predict", run.path, own, "--format", "jsonl", "--sets", "0.9").out)
    assert (line["refused"], line["one_of"]) == (False, ["dark"])
    assert line["strangeness"] == pytest.approx(run.predict(own)[0].strangeness, abs=1e-5)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ("--refuse", "0.001"),
            "at most 0.1 % cannot be promised, which needs 2995; 5 % can",
        ),
        (("--refuse", "2"), "must be above 0 and below 1. Received: 2.0"),
        (("--refuse", "some"), "must be above 0 and below 1"),
        (("--sets", "0.999"), "with 120 validation images, sets that have the right class in 99.9 % of cases"),
        (("--sets", "1"), "must be above 0 and below 1. Received: 1.0"),
    ],
)
def test_what_cannot_be_promised_is_refused(
    words: tuple[str, str], problem: str, run: greycard.Run, folder: Path, cli: Cli
) -> None:
    said = cli("predict", run.path, folder / "train" / "dark" / "000.jpg", *words)
    assert (said.code, said.out) == (2, "")
    assert problem in said.err
    assert "hint: " in said.err


def test_too_few_images_refuse_nothing(tmp_path: Path, cli: Cli) -> None:
    small = make_folder(tmp_path / "few", ("train", "validation"), ("dark", "light"), 6)
    recipe: dict[str, Any] = {"image_size": 24, "conv": (4,), "dense": (4,), "backbone": None, "epochs": 1}
    run = greycard.train(small, out=tmp_path, quiet=True, **recipe)
    assert run.summary.rejection is None
    found = run.predict(_stranger(tmp_path / "wall.png"))[0]
    assert (found.refused, found.answer in run.classes) == (False, True)
    assert found.strangeness is not None
    assert "a promise needs at least 14 validation images" in cli("show", run.path).out
    with pytest.raises(GreycardError, match=r"with 12 .* at most 20 % cannot be promised, which needs 14"):
        run.predict(tmp_path / "wall.png", refuse=0.2)
    assert run.predict(tmp_path / "wall.png", refuse=0.3)[0].strangeness == found.strangeness
    done = run.export("litert", tmp_path / "model.tflite")
    assert done.parity.refusals is not None
    assert (done.parity.refusals.refused, done.parity.refusals.same) == (0, 12)
    assert json.loads((tmp_path / "model.tflite.json").read_text())["refuse_above"] is None


def test_the_sets_have_the_right_class_as_often_as_promised() -> None:
    random, kept = np.random.default_rng(0), []
    for _ in range(300):
        logits = random.normal(size=(400, 4)) * 1.5
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        labels = (random.random(400)[:, None] > np.cumsum(probabilities, axis=1)).sum(axis=1).clip(0, 3)
        least = least_probability(labels[:200], probabilities[:200], 0.9)
        kept.append(np.mean(probabilities[np.arange(200, 400), labels[200:]] >= least))
    assert 0.9 <= np.mean(kept) <= 0.91


def test_a_set_lists_the_likely_classes(run: greycard.Run, folder: Path) -> None:
    assert members({"cat": 0.5, "dog": 0.4, "owl": 0.1}, "cat", 0.3) == ("cat", "dog")
    assert members({"cat": 0.5, "dog": 0.4, "owl": 0.1}, "cat", 0.9) == ("cat",)
    probabilities = at_temperature(run.predictions["probabilities"], run.temperature)
    least = least_probability(run.predictions["labels"], probabilities, 0.95)
    found = run.predict(_own(run, folder), sets=0.95, refuse=None)
    assert [len(each.one_of or ()) for each in found] == [
        max(1, int(np.sum(row >= least))) for row in probabilities.astype(np.float32)
    ]
    assert run.predict(_stranger(Path("wall.png")), sets=0.95)[0].one_of == ()


FORMS = [each.name for each in formats.FORMATS]


@pytest.mark.parametrize("form", quick_are(set(FORMS) - {"html"}, FORMS))
def test_every_export_refuses_the_same(
    form: str, form_is_possible: None, run: greycard.Run, folder: Path, tmp_path: Path
) -> None:
    chosen = formats.find_format(form)
    done = run.export(form, tmp_path / f"model{chosen.ending}")
    found = done.parity.refusals
    assert found is not None
    assert found.original_refused == sum(each.refused for each in run.predict(_own(run, folder)))
    assert found.same >= (110 if form == "litert-int8" else 120)
    about = json.loads(done.path.with_name(f"{done.path.name}.json").read_text())
    assert list(about["outputs"]) == ["probabilities", "strangeness"]
    assert [each["index"] for each in about["outputs"].values()] == [0, 1]
    promised = run.summary.rejection
    assert promised is not None
    assert about["refuse_share"] == promised.share
    assert (about["refuse_above"] == promised.limit) == chosen.exact, "integers have their own limit"
    asked = [_stranger(tmp_path / "wall.png"), *_own(run, folder)[::10]]
    rows = chosen.open(done.path)(np.stack([run.classifier.decode(file) for file in asked]))
    assert rows.shape == (13, 3)
    assert (rows[:, 2] > about["refuse_above"]).tolist()[0]
    if chosen.exact:
        expected = [each.strangeness for each in run.predict(asked)]
        np.testing.assert_allclose(rows[:, 2], expected, atol=1e-3)


def test_the_integers_keep_the_promise_on_their_calibration_images(
    run: greycard.Run, folder: Path, tmp_path: Path
) -> None:
    done = run.export("litert-int8", tmp_path / "model-int8.tflite")
    above = json.loads((tmp_path / "model-int8.tflite.json").read_text())["refuse_above"]
    assert run.rejection is not None
    files = [folder / id for id in run.rejection.scores.ids]
    rows = formats.find_format("litert-int8").open(done.path)(np.stack([run.classifier.decode(f) for f in files]))
    assert np.sum(rows[:, 2] > above) == 0  # 60 images: none may be refused for 5 %


def test_an_export_with_another_strangeness_is_refused(
    run: greycard.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = litert.LiteRT.__call__
    monkeypatch.setattr(litert.LiteRT, "__call__", lambda self, images: right(self, images) + np.float32([0, 0, 0.1]))
    with pytest.raises(GreycardError, match="the litert export is refused: a squared strangeness differs by"):
        run.export("litert", tmp_path / "model.tflite")
    refused = json.loads((tmp_path / "model.tflite.refused.json").read_text())
    assert refused["parity"]["largest_difference"] <= 1e-3


def test_the_server_refuses_and_counts(run: greycard.Run, folder: Path) -> None:
    wall, own = _stranger(Path("wall.png")), folder / "train" / "dark" / "000.jpg"
    with TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        answers = [
            client.post("/api/predict?heat=true", files={"file": each.read_bytes()}).json()["images"][0]["answers"][0]
            for each in (wall, own)
        ]
        facts = client.get("/api/models").json()["models"][0]
        metrics = client.get("/metrics").text
    assert [each["answer"] for each in answers] == ["none of these", "dark"]
    assert [each["refused"] for each in answers] == [True, False]
    assert [each["strangeness"] for each in answers] == pytest.approx(
        [each.strangeness for each in run.predict([wall, own])], abs=1e-4
    )
    assert answers[0]["class"] in run.classes
    assert (facts["refuse_share"], facts["last_hour"]) == (0.05, {"images": 2, "refused": 1})
    assert f'greycard_refused_total{{model="{run.name}"}} 1.0' in metrics


def test_an_hour_has_sixty_minutes() -> None:
    now = 0.0
    counted = LastHour(lambda: now)
    assert counted.counts() == (0, 0)
    for minute, refused in ((0, True), (0, False), (30, True), (59, False)):
        now = 60.0 * minute + 5
        counted.count(refused=refused)
    assert counted.counts() == (4, 2)
    now = 60 * 60.0
    assert counted.counts() == (2, 1)
    now = 1e6
    assert counted.counts() == (0, 0)


def test_it_is_said_wherever_a_run_is_shown(run: greycard.Run, cli: Cli) -> None:
    shown = cli("show", run.path).out
    assert "none of these" in shown
    for text in (shown, run.card(), run.report()):
        assert "at most 5 % of the classes" in text
        assert "images in strangers/" in text.replace("\\", "")
        assert "100.0 % (95 % interval" in text


@pytest.mark.slow
def test_a_search_sets_the_limit_on_images_set_aside(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "shades", ("train", "validation"), ("dark", "light"), 30)
    found = greycard.search(folder, minutes=0.2, out=tmp_path / "runs", weights="none", quiet=True)
    promised = found.summary.rejection
    assert promised is not None
    assert promised.calibrated_on == "test"
    assert found.rejection is not None
    assert set(found.rejection.scores.ids) <= set(found.test_ids)
    assert promised.strangers_are == "classes"
    assert promised.strangers is not None


def test_a_resumed_run_learns_the_same(images: Path, tmp_path: Path, interrupted: Any) -> None:
    recipe: dict[str, Any] = {
        "image_size": 24,
        "conv": (4,),
        "dense": (8,),
        "backbone": None,
        "epochs": 2,
        "batch_size": 4,
    }
    whole = greycard.train(images, name="whole", out=tmp_path, quiet=True, **recipe)
    resumed = greycard.resume(interrupted(5, images, name="cut", out=tmp_path, quiet=True, **recipe), quiet=True)
    assert whole.summary.rejection == resumed.summary.rejection
    assert whole.rejection is not None
    assert resumed.rejection is not None
    ours, theirs = whole.rejection.arrays(), resumed.rejection.arrays()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_damaged_file_is_named(run: greycard.Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.path, tmp_path / "copy")
    (copy / "rejection.npz").write_bytes(b"PK damaged")
    with pytest.raises(GreycardError, match=r"rejection\.npz cannot be read"):
        greycard.open_run(copy).predict(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("place", ["strangers", "train/strangers"])
def test_strangers_are_found_beside_the_classes_and_in_a_zip(place: str, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "pets", ("train", "validation"), ("cat", "dog"), 2)
    (root / place).mkdir()
    _stranger(root / place / "wall.png")
    (root / place / "broken.jpg").write_text("words")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", root)
    for what in (root, packed):
        dataset = greycard.open_dataset(what)
        assert dataset.classes == ("cat", "dog")
        assert dataset.strangers is not None
        assert dataset.strangers.ids == (f"{place}/wall.png",)
        assert [item.id for item in dataset.left_out] == [f"{place}/broken.jpg"]


def test_a_folder_of_classes_alone_may_have_strangers(tmp_path: Path, cli: Cli) -> None:
    root = make_folder(tmp_path / "pets", ("",), ("cat", "dog"), 5)
    (root / "strangers").mkdir()
    assert greycard.load_folder(root).strangers is None  # empty
    _stranger(root / "strangers" / "wall.png")
    dataset = greycard.load_folder(root)
    assert (dataset.classes, len(dataset.train) + len(dataset.validation)) == (("cat", "dog"), 10)
    assert "strangers has 1 image of none of the classes" in cli("check", root).err


def test_features_of_zeros_have_a_strangeness_in_every_format(tmp_path: Path) -> None:
    import keras

    from greycard.backend.litert import convert
    from greycard.evaluation.rejection.bank import fit_strangeness

    score = fit_strangeness(np.abs(np.random.default_rng(0).normal(size=(20, 4))))
    pixels = keras.Input((1, 4), dtype="uint8")
    found = score.model()(keras.ops.cast(keras.ops.reshape(pixels, (-1, 4)), "float32"))
    images = np.array([[[0, 0, 0, 0]], [[0, 0, 0, 1]], [[255, 255, 255, 255]]], np.uint8)
    by_litert = litert.LiteRT(convert(keras.Model(pixels, found)))(images)
    np.testing.assert_allclose(by_litert[:, 0], score.of(images[:, 0]), atol=1e-4)
