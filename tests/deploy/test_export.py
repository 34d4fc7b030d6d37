"""Exports: every format answers as its run does on real validation images, or is refused; the examples load them."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
import types
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import greycard
from conftest import awkward_images, make_folder
from greycard.backend import litert
from greycard.backend.openvino import core
from greycard.core.errors import GreycardError
from greycard.deploy.export import formats, parity
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.models import make_ready
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.decode import decode
from greycard.recipe.data import RESIZES
from greycard.tasks.multiclass import MultiClass

FILES = [each.name for each in formats.FORMATS if each.name != "html"]
FORMATS = [*FILES, pytest.param("html", marks=pytest.mark.slow)]
DOCS = Path(__file__).parents[2] / "docs" / "export.md"
KINDS = ("cnn", "augmented", "transfer")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(
        tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), ("dark", "grey", "light"), 12
    )


@pytest.fixture(scope="module")
def runs(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, greycard.Run]:
    """A CNN, an augmented CNN, and a model that transfers from the first; two of them with calibration forced on."""
    dataset, out = greycard.load_folder(folder), tmp_path_factory.mktemp("runs")
    same: dict[str, Any] = {
        "epochs": 40,
        "patience": None,
        "dropout": 0.0,
        "out": out,
        "quiet": True,
        "image_size": 24,
        "dense": (32,),
    }
    cnn = greycard.train(dataset, name="cnn", conv=(8,), augmentation=None, **same)
    augmented = greycard.train(dataset, name="augmented", conv=(8,), rotation_range=20, **same)
    transfer = greycard.train(dataset, name="transfer", backbone=str(cnn.path), **same)
    for run, temperature in ((cnn, 0.7), (transfer, 1.6)):
        _calibrate(run.path, temperature)
    return {name: greycard.open_run(run.path) for name, run in zip(KINDS, (cnn, augmented, transfer), strict=True)}


def _calibrate(path: Path, temperature: float) -> None:
    summary = json.loads((path / "summary.json").read_text())
    summary["calibration"] = {"error": 0.2, "temperature": temperature, "error_after_scaling": 0.1}
    (path / "summary.json").write_text(json.dumps(summary))


def _validation(run: greycard.Run, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """ArraySplit and the run's own calibrated answers."""
    files = [folder / id for id in run.predictions["ids"]]
    answers = [list(each.probabilities.values()) for each in run.predict(files) if each.probabilities]
    return np.stack([run.classifier.decode(file) for file in files]), np.array(answers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.usefixtures("form_is_possible")
def test_an_export_answers_as_its_run_does(
    runs: dict[str, greycard.Run], folder: Path, form: str, kind: str, tmp_path: Path
) -> None:
    run = runs[kind]
    ending = formats.find_format(form).ending
    done = run.export(form, tmp_path / f"model{ending}", data=folder)
    assert done.path.exists()
    assert done.parity.passed
    images, expected = _validation(run, folder)
    found = formats.find_format(form).open(done.path)(images)[:, : len(run.classes)]
    if done.parity.tolerance is not None:
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.85
    assert found.sum(axis=1) == pytest.approx(1, abs=0.02)
    beside = json.loads(done.path.with_name(f"{done.path.name}.json").read_text())
    assert beside["parity"]["images"] == len(expected) == 36
    assert _inside(done.path)["classes"] == list(run.classes) == beside["classes"]
    assert _inside(done.path)["recipe_sha256"] == run.recipe.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([done.path.name, f"{done.path.name}.json"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_api_and_the_command_answer_as_the_run_does(
    runs: dict[str, greycard.Run], folder: Path, kind: str, cli: Any
) -> None:
    run = runs[kind]
    _, expected = _validation(run, folder)
    files = [folder / id for id in run.predictions["ids"]]
    with TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        asked = [client.post("/api/predict", files={"file": file.read_bytes()}).json() for file in files]
    by_api = [answer["images"][0]["answers"][0]["probabilities"] for answer in asked]
    lines = cli("predict", run.path, *files, "--format", "jsonl", "--top", "3").out.splitlines()
    by_command = [json.loads(line)["probabilities"] for line in lines]
    for found in (by_api, by_command):
        rows = [[each[name] for name in run.classes] for each in found]
        np.testing.assert_allclose(rows, expected, atol=1e-5)


def _inside(place: Path) -> dict[str, Any]:
    if place.is_dir():
        return json.loads(next(place.rglob("greycard.json")).read_text())
    if place.suffix == ".html":
        return json.loads(re.findall(r'id="facts">(.*?)</script>', place.read_text(encoding="utf-8"))[0])
    if place.suffix == ".onnx":
        import onnx

        return json.loads(onnx.load(place).metadata_props[0].value)
    with zipfile.ZipFile(place) as archive:
        return json.loads(archive.read("greycard.json"))


def test_the_command_finds_the_images_where_they_were(runs: dict[str, greycard.Run], folder: Path, cli: Any) -> None:
    said = cli("export", runs["cnn"].path, "--format", "litert", "--quiet")
    assert (said.code, said.out.partition("\t")[0]) == (0, str(runs["cnn"].path / "export" / "cnn-1.tflite"))
    assert "36 validation images: 36 with the same prediction" in said.err
    again = cli("export", runs["cnn"].path, "--format", "litert", "--data", folder, "--quiet")
    assert again.code == 0, again.err


def test_a_run_without_its_private_file_finds_images_by_name_or_asks(
    runs: dict[str, greycard.Run], folder: Path, cli: Any, images: Path, tmp_path: Path
) -> None:
    shared = shutil.copytree(runs["cnn"].path, tmp_path / "shared")
    (shared / "run_args.json").unlink()
    by_name = cli("export", shared, "--format", "keras", "--data-dir", folder.parent, "--quiet")
    assert by_name.code == 0, by_name.err
    said = cli("export", shared, "--format", "keras")
    assert (said.code, "hint: name their folder or file with --data" in said.err) == (2, True)
    other = cli("export", shared, "--format", "keras", "--data", images)
    assert (other.code, f"{images} lacks 12 of the 72 images" in other.err) == (2, True), other.err
    gone = cli("export", shared, "--format", "keras", "--data", tmp_path / "gone")
    assert (gone.code, "gone does not exist; expected the images of shared there" in gone.err) == (2, True)


def test_an_export_that_answers_otherwise_is_refused(
    runs: dict[str, greycard.Run], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures stay, it does not; an earlier export is left alone."""
    place = tmp_path / "model.tflite"
    runs["cnn"].export("litert", place, data=folder)
    earlier = place.read_bytes()
    right = litert.LiteRT.__call__
    monkeypatch.setattr(litert.LiteRT, "__call__", lambda self, images: right(self, images) * 0.99 + 0.005)
    with pytest.raises(GreycardError, match=r"the litert export is refused: a probability differs by 0\.0"):
        runs["cnn"].export("litert", place, data=folder)
    assert place.read_bytes() == earlier
    beside, refused = (json.loads((tmp_path / f"model.tflite{end}").read_text()) for end in (".json", ".refused.json"))
    assert (beside["parity"]["passed"], refused["parity"]["passed"]) == (True, False)
    monkeypatch.setattr(litert.LiteRT, "__call__", lambda self, images: np.roll(right(self, images), 1, axis=1))
    with pytest.raises(GreycardError, match=r"the litert-int8 export is refused: its accuracy on .* lower end"):
        runs["cnn"].export("litert-int8", tmp_path / "other-int8.tflite", data=folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "model.tflite", "model.tflite.json", "model.tflite.refused.json", "other-int8.tflite.refused.json",
    ]  # fmt: skip


def test_the_names_of_the_formats_need_no_keras() -> None:
    """`greycard export --help` lists them."""
    code = (
        "import sys; from greycard.cli.export import export; from greycard.deploy.export.formats import NAMES;"
        "assert list(export.params[1].type.choices) == list(NAMES); print({'keras', 'numpy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_gate_counts() -> None:
    pixels = ArraySplit(tuple("abcd"), np.array([0, 1, 1, 0]), np.zeros((4, 2, 2, 3), np.uint8))
    original = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    export = original + np.array([[0.0, 0.0], [0.0, 0.0], [0.2, -0.2], [0.0, 0.0]])
    held = parity.check_parity(MultiClass(2), original, lambda images: export[: len(images)], pixels, exact=True)
    assert (held.same_answers, held.accuracy, held.original_accuracy, held.passed) == (3, 0.5, 0.75, False)
    assert held.largest_difference == pytest.approx(0.2)
    loose = parity.check_parity(MultiClass(2), original, lambda images: export[: len(images)], pixels, exact=False)
    assert (loose.passed, loose.lowest_accuracy < 0.5) == (True, True)
    broken = parity.check_parity(MultiClass(2), original, lambda images: np.full((4, 2), np.nan), pixels, exact=True)
    assert not broken.passed


@pytest.mark.parametrize("form", ["saved-model", "onnx"])
def test_an_earlier_export_is_replaced(runs: dict[str, greycard.Run], folder: Path, form: str, tmp_path: Path) -> None:
    place = tmp_path / f"model{formats.find_format(form).ending}"
    for _ in range(2):
        done = runs["cnn"].export(form, place, data=folder)
        assert done.parity.passed
    assert sorted(path.name for path in tmp_path.iterdir()) == [place.name, f"{place.name}.json"]


def test_mistakes_are_told(runs: dict[str, greycard.Run], folder: Path, tmp_path: Path, cli: Any) -> None:
    (tmp_path / "mine").mkdir()
    for words, place in (("must end in .onnx", "model.tflite"), ("must end in .onnx", "mine")):
        said = cli("export", runs["cnn"].path, "--format", "onnx", "-o", tmp_path / place, "--data", folder)
        assert (said.code, words in said.err) == (2, True), said.err
    said = cli("export", runs["cnn"].path, "--format", "saved-model", "-o", tmp_path / "mine", "--data", folder)
    assert (said.code, "already exists and is not" in said.err) == (2, True), said.err
    before = runs["cnn"].model_path.read_bytes()
    said = cli("export", runs["cnn"].path, "--format", "keras", "-o", runs["cnn"].model_path, "--data", folder)
    assert (said.code, "already exists and is not" in said.err) == (2, True), said.err
    assert runs["cnn"].model_path.read_bytes() == before
    with pytest.raises(GreycardError, match="there is no export format 'tflite'"):
        runs["cnn"].export("tflite", data=folder)


@pytest.fixture(scope="module")
def grey(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """A model of one channel."""
    small: dict[str, Any] = {"epochs": 1, "image_size": 24, "channels": 1, "conv": (), "dense": (4,), "quiet": True}
    return greycard.train(greycard.load_folder(folder), name="grey", out=tmp_path_factory.mktemp("grey"), **small)


def _code(form: str) -> str:
    found = re.search(rf"## {form}\n.*?```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found, form
    return found[1]


def test_the_examples_read_images_as_the_decoder_does(folder: Path, tmp_path: Path) -> None:
    """Bit for bit, whatever the form and the number of channels; all examples have the same function."""
    reads = {re.search(r"def read.*?\n\n", _code(form), re.DOTALL)[0] for form in FILES}  # type: ignore[index]
    assert len(reads) == 1
    names: dict[str, Any] = {}
    exec("import numpy as np\nfrom PIL import Image, ImageOps\n" + reads.pop(), names)
    for file in awkward_images(tmp_path / "awkward", folder / "validation" / "light" / "000.jpg"):
        for channels, resize in itertools.product((1, 3), RESIZES):
            expected = decode(file, (24, 32), channels, resize)
            found = names["read"](file, {"shape": [None, 24, 32, channels], "resize": resize})
            np.testing.assert_array_equal(found[0], expected, err_msg=f"{file.name} {resize}")


@pytest.mark.parametrize("form", FILES)
@pytest.mark.usefixtures("form_is_possible")
def test_the_examples_answer_as_predict_does(
    runs: dict[str, greycard.Run], grey: greycard.Run, folder: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program of docs/export.md, run where its file is, on images that are easily read otherwise."""
    theirs = types.SimpleNamespace(Interpreter=_quietly(litert._interpreter()))  # TensorFlow's copy is the same
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", theirs)
    monkeypatch.setitem(sys.modules, "ai_edge_litert", types.SimpleNamespace(interpreter=theirs))
    if form == "openvino":  # two cores in a process can break signals
        monkeypatch.setattr("openvino.Core", core)
    awkward_images(Path("awkward"), folder / "validation" / "light" / "000.jpg")
    for run, files in (
        (runs["cnn"], ("turned6.jpg", "clear.png", "deep.png", "cmyk.jpg")),
        (grey, ("clear-grey.png",)),
    ):
        run.export(form, f"model{formats.find_format(form).ending}")
        for file in files:
            names: dict[str, Any] = {}
            exec(_code(form).replace("photo.jpg", f"awkward/{file}"), names)
            expected = run.predict(f"awkward/{file}")[0]
            assert expected.probabilities
            rounding = 0.1 if form == "litert-int8" else parity.TOLERANCE
            found = dict(zip(run.classes, names["probabilities"], strict=True))
            assert found == pytest.approx(expected.probabilities, abs=rounding), file
            assert names["probability"] == max(names["probabilities"])
            assert names["label"] == expected.label or form == "litert-int8"
            assert names["answer"] == expected.answer or form == "litert-int8"


def _quietly(interpreter: Any) -> Any:
    def made(*arguments: Any, **named: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return interpreter(*arguments, **named)

    return made
