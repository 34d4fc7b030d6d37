"""A number from an image: every family learns it, in any unit, resumes it, exports it, explains it and reports it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import greycard
from greycard.backend import execution
from greycard.backend.steps import KerasSteps
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.datasets.dataset import Dataset, SplitMethod
from greycard.datasets.selection import joined
from greycard.deploy.export.formats import FORMATS
from greycard.evaluation.reach import halves
from greycard.models.families import FAMILIES
from greycard.models.saved import load_model
from greycard.tasks.regression import Regression
from greycard.training import checkpointer
from greycard.training.interruption import InterruptedRunError
from variants import quick_are

SIDE = 12
SETTINGS: dict[str, dict[str, Any]] = {
    "mlp": {"dense": (16,)},
    "convnet": {"conv": (8,), "dense": (16,), "dropout": 0.1},
    "resnet": {"width": 8, "blocks": (1, 1)},
    "pretrained": {"dense": (16,), "pooling": "average"},
    "probe": {"views": "flip"},
    "custom": {},
}
FROZEN = {"pretrained": "backbone", "probe": "backbones"}
KINDS = pytest.mark.parametrize("kind", SETTINGS)
EXPORTS = [
    (kind, form.name)
    for form in FORMATS
    if form.name != "html"  # its page needs a runtime; below
    for kind in (SETTINGS if form.name == "litert" else ("resnet", "probe"))
    if all(map(find_spec, form.needs))
]
"""LiteRT for every family; the other formats for one from scratch and one with a backbone."""


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 images of a bright bar on noise, and its height in pixels times 0.7."""
    folder = tmp_path_factory.mktemp("bars")
    draws, lines = np.random.default_rng(2), ["path,height"]
    for row in range(80):
        height = int(draws.integers(0, SIDE + 1))
        pixels = draws.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
        pixels[SIDE - height :, 3:9] = draws.integers(150, 250)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row}.png,{0.7 * height:.2f}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


@pytest.fixture(scope="module")
def dataset(labels: Path) -> Dataset:
    return greycard.open_dataset(labels, task="regression")


def build(shape: tuple[int, int, int], outputs: int) -> keras.Model:
    """A model of the user's."""
    pixels = keras.Input(shape)
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, layers.Dense(outputs)(layers.Flatten()(x)))


def recipe_of(kind: str, **changes: Any) -> greycard.Recipe:
    by_epochs = {"epochs": 12, "batch_size": 8, "learning_rate": 0.01, "keep": "best"}
    common = {"image_size": SIDE, "task": "regression"} | ({} if kind == "probe" else by_epochs)
    return greycard.Recipe.make(kind, "labels", **{"model": kind} | SETTINGS[kind] | common | changes)


Train = Callable[..., greycard.Run]


@pytest.fixture(scope="module")
def run_of(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], greycard.Run]:
    """A finished run of a family, trained when it is first asked for."""
    out, runs = tmp_path_factory.mktemp("runs"), {}

    def run(kind: str) -> greycard.Run:
        if kind not in runs:
            changes = {FROZEN[kind]: str(run("resnet").path)} if kind in FROZEN else {}
            if kind == "custom":
                base = greycard.Recipe.make("custom", "labels", image_size=SIDE, epochs=12, batch_size=8, keep="best")
                runs[kind] = greycard.train(base.replace(task="regression"), dataset, model=build, out=out, quiet=True)
            else:
                runs[kind] = greycard.train(recipe_of(kind, **changes), dataset, out=out, quiet=True)
        return runs[kind]

    return run


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Send this process a signal when training looks for one the n-th time."""
    asked = checkpointer.Checkpointer.after_step

    def at(moment: int) -> None:
        calls = iter(range(1, 1000))

        def after_step(self: checkpointer.Checkpointer, state: Any) -> bool:
            if next(calls) == moment:
                os.kill(os.getpid(), signal.SIGINT)
            return asked(self, state)

        monkeypatch.setattr(checkpointer.Checkpointer, "after_step", after_step)

    yield at
    monkeypatch.undo()


def _pixels(run: greycard.Run, folder: Path) -> np.ndarray:
    return np.stack([run.classifier.decode(folder / id) for id in run.predictions["ids"]])


def test_every_family_is_covered() -> None:
    assert SETTINGS.keys() == {*FAMILIES, "custom"}


@pytest.mark.parametrize("kind", quick_are(("mlp", "convnet", "pretrained"), SETTINGS))
def test_a_run_learns_the_number_and_the_saved_model_answers_in_its_unit(run_of, labels: Path, kind: str) -> None:
    run = run_of(kind)
    numbers = run.summary.numbers
    assert numbers is not None
    assert run.task == Regression(0, run.target)
    assert numbers.validation.learned
    assert numbers.validation.r2 > 0.5
    assert numbers.validation.mae < numbers.validation.guess_mae / 1.5
    answers = load_model(run.path).network.predict_on_batch(_pixels(run, labels.parent))
    np.testing.assert_allclose(answers, run.predictions["probabilities"], atol=1e-4)
    errors = np.abs(answers[:, 0] - run.predictions["labels"])
    assert numbers.validation.mae == pytest.approx(errors.mean(), rel=1e-4)
    assert run.summary.val_loss == pytest.approx(np.mean((errors / run.target.deviation) ** 2), rel=1e-3)
    assert all(epoch.val_accuracy is None for epoch in run.history)
    assert run.diagnose()
    assert [verdict.name for verdict in run.summary.diagnosis] == [verdict.name for verdict in run.diagnose()]


@KINDS
def test_a_prediction_has_a_number_and_its_interval(run_of, labels: Path, kind: str) -> None:
    run = run_of(kind)
    id, number = str(run.predictions["ids"][0]), float(run.predictions["probabilities"][0, 0])
    (found,) = run.predict(labels.parent / id)
    assert found.value == pytest.approx(number, abs=1e-4)
    assert (found.label, found.probabilities, found.error) == ("", None, None)
    reach = run.summary.numbers.reach
    if reach is None:  # too few validation images
        assert found.interval is None
    else:
        assert found.interval == pytest.approx((number - reach.width, number + reach.width), abs=1e-3)
    (bad,) = run.predict_each(labels)
    assert bad.error
    assert bad.value is None


@pytest.mark.parametrize(("kind", "form"), EXPORTS)
def test_every_export_answers_as_the_run_does(run_of, labels: Path, kind: str, form: str, tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow" and form != "keras":
        pytest.skip(f"{form} is written by TensorFlow")
    ending = next(each.ending for each in FORMATS if each.name == form)
    done = run_of(kind).export(form, tmp_path / f"model{ending}", data=labels)
    assert done.parity.passed
    assert done.parity.refusals.agree or done.parity.tolerance is None  # integers round the features
    assert done.parity.original_mae == pytest.approx(run_of(kind).summary.numbers.validation.mae, rel=1e-3)
    written = json.loads((tmp_path / f"model{ending}.json").read_text())
    assert written["outputs"]["probabilities"]["values"] == "a number in the unit of the labels"
    assert written["outputs"].keys() == {"probabilities", "strangeness"}
    assert written["validation"]["mean_absolute_error"]["value"] == run_of(kind).summary.numbers.validation.mae
    assert written["refuse_above"] > 0
    assert written["parity"]["passed"]


@KINDS
def test_an_image_is_explained(run_of, labels: Path, kind: str) -> None:
    run = run_of(kind)
    id = str(run.predictions["ids"][int(np.argmax(run.predictions["labels"]))])
    found = run.explain(labels.parent / id)
    assert found.value == pytest.approx(run.predict(labels.parent / id)[0].value)
    assert (found.heat is None) == (kind == "mlp")
    assert np.abs(found.occlusion).max() > 0.01  # the bar matters
    assert found.figure().axes
    with pytest.raises(GreycardError, match="predicts a number"):
        run.explain(labels.parent / id, "cat")


@pytest.mark.parametrize("kind", [pytest.param("resnet", marks=pytest.mark.slow), "convnet"])
def test_resumed_equals_uninterrupted(
    run_of, dataset: Dataset, interrupt, monkeypatch: pytest.MonkeyPatch, kind: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(execution, "_MOST_STEPS", 1)
    whole = run_of(kind)
    interrupt(30)
    with pytest.raises(InterruptedRunError) as stop:
        greycard.train(whole.recipe, dataset, out=tmp_path, quiet=True)
    resumed = greycard.resume(stop.value.run, dataset, quiet=True)
    assert resumed.summary.resumed == 1
    assert [epoch.val_loss for epoch in resumed.history] == [epoch.val_loss for epoch in whole.history]
    assert resumed.summary.numbers == whole.summary.numbers
    for ours, theirs in zip(resumed.model.get_weights(), whole.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["resnet", "probe"])
def test_another_unit_changes_only_the_unit(run_of, dataset: Dataset, kind: str, tmp_path: Path) -> None:
    """Grams or tonnes: a factor that floats hold exactly gives the same training, bit for bit."""
    factor, plain = 1024.0, run_of(kind)
    parts = {
        name: replace(getattr(dataset, name), labels=getattr(dataset, name).labels * np.float32(factor))
        for name in ("train", "validation")
    }
    scaled = greycard.train(plain.recipe, replace(dataset, **parts), out=tmp_path, quiet=True)
    assert [epoch.val_loss for epoch in scaled.history] == [epoch.val_loss for epoch in plain.history]
    ours, theirs = scaled.summary.numbers.validation, plain.summary.numbers.validation
    assert ours.mae == pytest.approx(factor * theirs.mae)
    assert ours.r2 == pytest.approx(theirs.r2)
    np.testing.assert_allclose(scaled.predictions["probabilities"], factor * plain.predictions["probabilities"])


def test_greycards_steps_are_keras_steps(run_of, labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    from greycard import backend
    from greycard.backend import tensorflow_steps
    from greycard.backend.choices import Choices
    from greycard.models.build import build_model

    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    run = run_of("resnet")
    images, numbers = _pixels(run, labels.parent), run.predictions["labels"]

    recipe = run.recipe.replace(optimizer="sgd")  # Adam makes a step of every rounding of a gradient near 0

    def network() -> keras.Model:
        backend.seed_everything(5)
        return build_model(recipe, 0, target=run.target).network

    ours, theirs = network(), network()
    steps, keras_steps = tensorflow_steps.TensorFlowSteps(ours, 4, 4, Choices()), KerasSteps(theirs)
    for each, batch in ((steps, 4 * steps.steps_per_execution), (keras_steps, 4)):
        for start in range(0, len(images), batch):
            each.train(images[start : start + batch], numbers[start : start + batch])
    assert steps.result() == pytest.approx(keras_steps.result(), rel=1e-3)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-3)


def test_another_run_transfers_from_its_features(run_of) -> None:
    assert run_of("pretrained").recipe.backbones[0].backbone == str(run_of("resnet").path)
    assert run_of("probe").summary.numbers.validation.r2 > 0.5


def test_two_runs_are_compared_by_their_errors(run_of, cli) -> None:
    found = greycard.compare(run_of("resnet"), run_of("mlp"))
    assert found.images == len(run_of("mlp").predictions["ids"])
    assert [group.mae for group in found.groups] == [
        pytest.approx(run_of(kind).summary.numbers.validation.mae, rel=1e-5) for kind in ("resnet", "mlp")
    ]
    said = cli("compare", run_of("resnet").path, run_of("mlp").path)
    assert said.code == 0
    assert f"mean absolute error on the same {found.images} validation images" in said.out
    assert found.target == run_of("resnet").target


def test_every_report_shows_the_errors(run_of, cli, labels: Path) -> None:
    run = run_of("resnet")
    numbers = run.summary.numbers
    error, r2 = run.target.text(numbers.validation.mae), f"{numbers.validation.r2:.3f}"
    table = greycard.runs_table([run])
    header, _, line = table.text().splitlines()[:3]
    assert "val MAE" in header
    assert "val acc" not in header
    assert error in line
    assert r2 in line
    for text in (cli("show", run.path).out, run.card(), run.report()):
        assert "mean absolute error" in text
        assert error in text
        assert r2 in text
    page = run.report()
    assert "predicted numbers against true numbers" in page
    assert page.count("<img src=") >= 10  # the worst mistakes
    assert "accuracy" not in run.card().partition("## How it was made")[0]
    said = cli("predict", run.path, labels.parent / "0.png", "--format", "csv")
    assert said.out.splitlines()[0] == "path,number,low,high,error,refused,strangeness"
    assert float(said.out.splitlines()[1].split(",")[1]) == pytest.approx(run.predict(labels.parent / "0.png")[0].value)
    said = cli("predict", run.path, labels.parent / "0.png", "--format", "jsonl")
    assert json.loads(said.out)["number"] == pytest.approx(run.predict(labels.parent / "0.png")[0].value)


def test_the_server_answers_a_number(run_of, labels: Path) -> None:
    starlette = pytest.importorskip("starlette.testclient")
    from greycard.deploy.serve.app import make_app
    from greycard.deploy.serve.models import make_ready

    run = run_of("resnet")
    with starlette.TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        (facts,) = client.get("/api/models").json()["models"]
        assert facts["number"]["val_mae"] == run.summary.numbers.validation.mae
        image = (labels.parent / "0.png").read_bytes()
        said = client.post("/api/predict?heat=true", content=image, headers={"content-type": "image/png"}).json()
    (answer,) = said["images"][0]["answers"]
    expected = run.predict(labels.parent / "0.png")[0]
    assert answer["number"] == pytest.approx(expected.value, abs=1e-3)
    assert (answer["interval"] is None) == (expected.interval is None)
    assert "class" not in answer
    assert answer["strangeness"] == pytest.approx(expected.strangeness, abs=1e-3)


def test_the_epoch_is_chosen_on_other_images_than_those_that_set_the_width(labels: Path, tmp_path: Path) -> None:
    """With a folder of strangers beside the label file, which measures how many of them are refused."""
    folder = shutil.copytree(labels.parent, tmp_path / "bars", ignore=shutil.ignore_patterns(".greycard"))
    (folder / "strangers").mkdir()
    for number in range(4):
        Image.new("RGB", (SIDE, SIDE), (0, 60 * number, 255)).save(folder / "strangers" / f"{number}.png")
    given = greycard.open_dataset(folder / "labels.csv", val_fraction=0.4, task="regression")
    with pytest.warns(GreycardWarning, match="4 images of other things"):
        run = greycard.train(recipe_of("mlp", epochs=4), given, out=tmp_path, quiet=True)
    assert (run.summary.rejection.strangers_are, run.summary.rejection.strangers.images) == ("images", 4)
    errors = (run.predictions["probabilities"][:, 0] - run.predictions["labels"]) / run.target.deviation
    calibrating, others = halves(len(errors))
    assert run.history[run.summary.kept_epoch - 1].val_loss == pytest.approx(np.mean(errors[others] ** 2), rel=1e-4)
    reach = run.summary.numbers.reach
    rank = int(np.ceil(0.9 * (len(calibrating) + 1)))
    assert (reach.split, reach.calibrated_on) == ("validation", len(calibrating))
    expected = np.sort(np.abs(errors[calibrating]))[rank - 1] * run.target.deviation
    assert reach.width == pytest.approx(expected, rel=1e-4)
    assert "the epoch was chosen on these others" in run.card()


def test_test_images_set_the_width_if_there_are_enough(dataset: Dataset, tmp_path: Path) -> None:
    whole = joined(dataset.train, dataset.validation)
    parts = {"train": range(38, 80), "validation": range(20), "test": range(20, 38)}
    given = replace(dataset, **{name: whole.take(rows) for name, rows in parts.items()}, split=SplitMethod())
    run = greycard.train(recipe_of("mlp", epochs=4), given, out=tmp_path, quiet=True)
    reach = run.summary.numbers.reach
    assert (reach.split, reach.calibrated_on, reach.measured_on) == ("test", 9, 9)
    assert run.history[run.summary.kept_epoch - 1].val_loss == pytest.approx(run.summary.val_loss, rel=1e-4)


def test_a_strange_image_is_none_of_these(run_of, labels: Path, cli) -> None:
    run = run_of("resnet")
    assert run.summary.rejection.share == 0.2  # of so few validation images
    assert (run.summary.rejection.strangers, run.rejection.scores.strangers.size) == (None, 0)
    files = [labels.parent / id for id in run.predictions["ids"]]
    found = run.predict(files, refuse=0.5)
    assert {each.refused for each in found} == {True, False}
    assert [each.answer for each in found] == ["none of these" if each.refused else "" for each in found]
    said = cli("predict", run.path, *files, "--refuse", "0.5")
    assert [("\tnone of these\t" in line) for line in said.out.splitlines()] == [each.refused for each in found]
    for text in (cli("show", run.path).out, run.card()):
        assert "of images like its own, with 95 % confidence" in text
        assert "put images of other things into a folder strangers/" in text
    refused = cli("predict", run.path, files[0], "--unsure", "1")
    assert (refused.code, "--unsure is for runs with one class per image" in refused.err) == (2, True)


def test_studio_shows_the_errors_and_the_images(run_of, labels: Path) -> None:
    starlette = pytest.importorskip("starlette.testclient")
    from greycard.studio.app import make_app
    from greycard.studio.context import Context
    from greycard.studio.images.folder import ImageFolder

    run = run_of("resnet")
    scores = run.summary.numbers.validation
    run.export("keras", data=labels)
    with starlette.TestClient(make_app(Context(ImageFolder(labels.parent), run.path.parent))) as client:
        found = client.get(f"/api/runs/{run.name}").json()
        (line,) = [each for each in client.get("/api/runs").json()["runs"] if each["name"] == run.name]
        table = client.get("/api/label-file").json()["label_file"]
    assert (found["validation"]["kind"], found["validation"]["value"]) == ("error", scores.mae)
    assert line["figure"] == found["validation"]
    assert (found["classes"], found["labels"], found["trust"]) == ([], [], None)
    assert (found["number"]["r2"], found["number"]["guess"]) == (scores.r2, scores.guess_mae)
    errors = [abs(each["answer"] - each["label"]) for each in found["answers"]]
    assert errors == sorted(errors, reverse=True)
    assert np.mean(errors) == pytest.approx(scores.mae)
    assert {each["place"] for each in found["answers"]} == set(run.predictions["ids"].tolist())
    (export,) = found["exports"]
    assert (export["format"], export["accuracy"]) == ("keras", None)
    assert export["mae"] == pytest.approx(scores.mae, rel=1e-3)
    assert (table["numbers"], table["moves"]) == (True, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("web_runtime")
@pytest.mark.parametrize("kind", ["resnet", "convnet"])
def test_a_page_shows_the_number_its_interval_and_a_heat_map(run_of, labels: Path, kind: str, tmp_path: Path) -> None:
    """Grad-CAM where the head is linear in the pooled map, else the occlusion map; both in standard deviations."""
    from browser import opened_page
    from greycard.explain.gradcam import heat_of
    from greycard.explain.occlusion import occlusion

    run = run_of(kind)
    done = run.export("html", tmp_path / "model.html", data=labels)
    assert done.parity.passed
    files = [labels.parent / id for id in run.predictions["ids"][:4]]
    with opened_page((tmp_path / "model.html").as_uri(), tmp_path / "profile") as page:
        page.wait_for("document.querySelector('#status').textContent === 'Ready.'")
        assert "predicts a number from an image" in page.run("document.querySelector('#classes').textContent")
        page.drop(*files, place="#drop")
        page.wait_for("document.querySelector('#status').textContent === '4 of 4 files predicted.'")
        shown = page.run("[...document.querySelectorAll('#answers .class')].map((each) => each.textContent)")
        expected = run.predict(files[::-1])
        for words, found in zip(shown, expected, strict=True):
            assert words == "None of these" if found.refused else abs(float(words) - found.value) < 0.02
        classifier = run.classifier
        pixels = classifier.decode(files[0])
        map = page.run(f"greycard.heatFor('{base64.b64encode(pixels.tobytes()).decode()}', 0)")
        if kind == "resnet":
            heat = heat_of(classifier.trained, run.task)(pixels, 0)
        else:
            heat = np.abs(occlusion(lambda images: run.task.standardised(classifier.at_once(images)), pixels, 0))
        np.testing.assert_allclose(np.array(map).reshape(heat.shape), heat, atol=2e-3)
        for width in (390, 1280):
            page.resize(width, 900)
            page.wait_for(f"document.documentElement.scrollWidth === {width}")
            (tmp_path / f"page-{width}.png").write_bytes(page.screenshot())
        assert page.complaints == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mixup": 0.2}, "mixup needs classes"),
        ({"label_smoothing": 0.1}, "label_smoothing needs classes"),
        ({"balance": "weights"}, "balance needs classes"),
        ({"task": "binary"}, "task 'binary' does not fit"),
    ],
)
def test_settings_of_classes_are_refused(dataset: Dataset, changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match=said) as refused:
        greycard.train(recipe_of("mlp", **changes), dataset, out=tmp_path, quiet=True)
    assert refused.value.hint
    assert not list(tmp_path.iterdir())


def test_a_model_that_ends_with_a_probability_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    def positive(shape: tuple[int, int, int], outputs: int) -> keras.Model:
        pixels = keras.Input(shape)
        return keras.Model(pixels, layers.Dense(outputs, activation="sigmoid")(layers.Flatten()(pixels)))

    recipe = greycard.Recipe.make("own", "labels", image_size=SIDE, epochs=1, task="regression")
    with pytest.raises(GreycardError, match="must end with a linear unit"):
        greycard.train(recipe, dataset, model=positive, out=tmp_path, quiet=True)


@pytest.mark.slow
def test_the_recommended_recipe_learns_numbers(labels: Path, cli, tmp_path: Path) -> None:
    """Without a mirror image, label smoothing or crops: they could change the number."""
    said = cli("train", labels, "--set", "task=regression", "--epochs", "2", "--out", tmp_path, "--weights", "none")
    assert said.code == 0
    run = greycard.open_run(tmp_path / "labels-1")
    assert run.recipe.loss.label_smoothing == 0
    assert not (run.recipe.augmentation and run.recipe.augmentation.horizontal_flip)
    assert run.recipe.prediction.views is None
    assert "val MAE" in said.out
    assert cli("export", run.path, "--format", "keras").code == 0
    assert cli("explain", run.path, labels.parent / "0.png").code == 0
    assert cli("diagnose", run.path).code == 0
