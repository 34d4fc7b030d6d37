"""A model that has no answers gives none: no NaN is printed, exported or served."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import NAMES as FORMATS
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.models import make_ready

SMALL: dict[str, Any] = {"image_size": 8, "conv": (), "dense": (4,), "epochs": 1, "batch_size": 8, "quiet": True}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "shades", ("train", "validation"), ("dark", "light"), 6)


@pytest.fixture(scope="module")
def diverged(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended with weights that are NaN."""
    dataset, out = greycard.load_folder(folder), tmp_path_factory.mktemp("runs")
    bad = {"conv": (8, 8), "image_size": 16, "batch_size": 2, "learning_rate": 1e38}
    return greycard.train(dataset, out=out, **SMALL | bad).path


@pytest.fixture(scope="module")
def overflowing(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of finite weights that answers black images, and all others with infinity minus infinity."""
    run = greycard.train(greycard.load_folder(folder), out=tmp_path_factory.mktemp("runs"), **SMALL)
    model = run.model
    model.set_weights([np.where(np.arange(w.size).reshape(w.shape) % 2, -3e38, 3e38) if w.ndim == 2 else w * 0
                       for w in model.get_weights()])  # fmt: skip
    first = model.get_weights()
    first[0] = np.abs(first[0])
    model.set_weights(first)
    keras.saving.save_model(model, run.path / "model.keras")
    return run.path


def test_a_run_that_diverged_says_that_it_cannot_answer(diverged: Path, cli: Any) -> None:
    summary = greycard.open_run(diverged).summary
    assert "the model cannot predict" in summary.stopped
    assert "weights are NaN or infinite" in summary.stopped
    for words in (("table", "--out", diverged.parent), ("show", diverged)):
        assert "the model cannot predict" in cli(*words).out
    page = Path(cli("report", diverged).out.strip()).read_text()
    assert "the model cannot predict" in page


@pytest.mark.parametrize(
    "words",
    [
        *(("predict", "RUN", "IMAGE", "--format", form) for form in ("text", "csv", "jsonl")),
        *(("export", "RUN", "--format", form) for form in FORMATS),
        ("explain", "RUN", "IMAGE"),
        ("serve", "RUN", "--port", "0"),
        ("train", "FOLDER", "--backbone", "RUN"),
    ],
    ids=" ".join,
)
def test_weights_that_are_not_finite_never_answer(
    words: tuple[str, ...], diverged: Path, folder: Path, cli: Any
) -> None:
    known = {"RUN": diverged, "IMAGE": folder / "train" / "dark" / "000.jpg", "FOLDER": folder}
    said = cli(*(known.get(word, word) for word in words))
    assert said.code == 2
    assert f"{diverged} cannot predict" in said.err
    assert "hint: train again with a smaller learning rate" in said.err
    assert said.out in ("", "path,class,probability,error,refused,strangeness\n")
    assert not (diverged / "export").exists()
    assert not (diverged / "explain").exists()


def test_python_says_it_too(diverged: Path, folder: Path) -> None:
    run = greycard.open_run(diverged)
    image = folder / "train" / "dark" / "000.jpg"
    for ask in (lambda: run.predict(image), lambda: run.explain(image), lambda: run.model, lambda: run.export("keras")):
        with pytest.raises(GreycardError, match="cannot predict"):
            ask()


@pytest.mark.parametrize("form", ["text", "csv", "jsonl"])
def test_an_answer_that_is_not_finite_is_none(overflowing: Path, folder: Path, cli: Any, form: str) -> None:
    Image.new("RGB", (8, 8)).save("black.png")
    good = cli("predict", overflowing, "black.png", "--format", form)
    assert good.code == 0, good.err
    image = folder / "train" / "light" / "000.jpg"
    said = cli("predict", overflowing, "black.png", image, "--format", form)
    assert said.code == 2
    assert f"{image}: {overflowing.name} cannot predict this image: its outputs are NaN or infinite" in said.err
    assert "nan" not in said.out.lower()


def test_neither_explained_nor_exported(overflowing: Path, folder: Path, cli: Any) -> None:
    explained = cli("explain", overflowing, folder / "train" / "light" / "000.jpg")
    assert (explained.code, "cannot predict" in explained.err) == (2, True)
    exported = cli("export", overflowing, "--format", "keras")
    assert (exported.code, "cannot predict" in exported.err) == (2, True)
    assert not list(overflowing.rglob("export/*"))


def test_the_server_answers_the_others(overflowing: Path, folder: Path) -> None:
    run = greycard.open_run(overflowing)
    Image.new("RGB", (8, 8)).save("black.png")
    light = (folder / "train" / "light" / "000.jpg").read_bytes()
    with TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        bad = client.post("/api/predict", files={"file": light})
        assert (bad.status_code, "cannot predict" in bad.json()["error"]) == (500, True)
        good = client.post("/api/predict", files={"file": Path("black.png").read_bytes()})
        assert good.status_code == 200
        json.dumps(good.json(), allow_nan=False)


def test_numbers_have_finite_answers_or_none(cli: Any, tmp_path: Path) -> None:
    run = greycard.train("house-prices", out=tmp_path, epochs=1, quiet=True).path
    expected = {"nan": "expected a number", "inf": "expected a number", "1e39": "is not finite"}
    for number, words in expected.items():
        said = cli("predict", run, number)
        assert (said.code, words in said.err, said.out) == (2, True, ""), number
    broken = shutil.copytree(run, tmp_path / "broken")
    model = greycard.open_run(run).model
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    keras.saving.save_model(model, broken / "model.keras")
    said = cli("predict", broken, "3")
    assert (said.code, "cannot predict: 2 of its 2 weights" in said.err) == (2, True)
