"""What training computes in: chosen, said, and without any part in what is measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import greycard
from greycard.backend import precision
from greycard.backend.precision import best_precision
from greycard.core.errors import GreycardError
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.models import make_ready
from greycard.evaluation.calibration import at_temperature
from greycard.training.checkpointer import Checkpointer
from greycard.training.interruption import InterruptedRunError

ROUNDING = 1e-5
"""The most that two ways of computing a probability in float32 may differ by."""

DIGITS: dict[str, Any] = {
    "conv": (8,), "dense": (16,), "epochs": 2, "train_limit": 200, "val_limit": 100, "quiet": True,
}  # fmt: skip
ONE_EPOCH = DIGITS | {"epochs": 1}
Cli = Callable[..., Any]
Trained = Callable[[str], greycard.Run]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run of `DIGITS` for a precision, which the environment asks for; trained once."""

    @cache
    def train(precision: str) -> greycard.Run:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GREYCARD_PRECISION", precision)
            return greycard.train("digits-cnn", out=tmp_path_factory.mktemp(precision), **DIGITS)

    return train


def _digits(run: greycard.Run, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The run's own images uint8 (n, 8, 8, 1) and their labels, in its order for validation."""
    data = greycard.load_dataset("digits").limited(run.recipe.data.train_limit, run.recipe.data.val_limit, 0)
    part = data.validation if split == "validation" else data.train
    rows = {id: row for row, id in enumerate(part.ids)}
    order = [rows[id] for id in run.predictions["ids"]] if split == "validation" else list(rows.values())
    return np.asarray(part.images)[order].reshape(-1, 8, 8, 1), np.asarray(part.labels)[order]


def _measured(run: greycard.Run, split: str) -> dict[str, float]:
    """Loss and accuracy of the model as saved, loaded anew."""
    images, labels = _digits(run, split)
    return run.task.measure(labels, np.asarray(run.model.predict_on_batch(images)))


@pytest.mark.small_project
def test_every_figure_is_measured_on_the_saved_model(precision: str, trained: Trained) -> None:
    run = trained(precision)
    assert run.recipe.training.precision == run.summary.precision == precision
    assert all(layer.compute_dtype == "float32" for layer in run.model.layers)
    images, _ = _digits(run, "validation")
    found = run.task.to_probabilities(np.asarray(run.model.predict_on_batch(images)))
    np.testing.assert_allclose(run.predictions["probabilities"], found, atol=ROUNDING)
    validation, training = _measured(run, "validation"), _measured(run, "training")
    assert run.summary.val_accuracy == run.history[-1].val_accuracy == validation["accuracy"]
    assert run.summary.val_loss == run.history[-1].val_loss == pytest.approx(validation["loss"], abs=ROUNDING)
    assert run.summary.train_accuracy_after == training["accuracy"]
    assert run.summary.train_loss_after == pytest.approx(training["loss"], abs=ROUNDING)


@pytest.mark.small_project
def test_every_epochs_validation_is_of_its_model_in_float32(precision: str, trained: Trained, tmp_path: Path) -> None:
    """What two epochs say of the first is what the model of one epoch gives when it is loaded."""
    short = greycard.train("digits-cnn", out=tmp_path, **ONE_EPOCH)
    first, expected = trained(precision).history[0], _measured(short, "validation")
    assert first.val_accuracy == expected["accuracy"]
    assert first.val_loss == pytest.approx(expected["loss"], abs=ROUNDING)


@pytest.mark.small_project
def test_training_computes_in_what_is_asked_for(trained: Trained) -> None:
    one, other = ([line.train_loss for line in trained(each).history] for each in ("float32", "bfloat16"))
    assert one != other
    assert one == pytest.approx(other, rel=0.05)


def test_predict_exports_and_the_server_give_the_runs_own_predictions(
    precision: str, images: Path, tmp_path: Path
) -> None:
    data = greycard.load_folder(images)
    recipe = {"image_size": 24, "conv": (8,), "dense": (16,), "epochs": 2, "backbone": None, "precision": precision}
    run = greycard.train(data, out=tmp_path, quiet=True, **recipe)
    files = [images / id for id in run.predictions["ids"]]
    images = np.stack([run.classifier.decode(file) for file in files])
    found = {
        "predict": [list(each.probabilities.values()) for each in run.predict(files) if each.probabilities],
        "many": run.classifier.rows(images)[:, : len(run.classes)],
        "server": _served(run, files),
        **{form: _exported(run, form, images, data, tmp_path) for form in ("keras", "litert")},
    }
    expected = at_temperature(run.predictions["probabilities"], run.temperature)
    for door, rows in found.items():
        np.testing.assert_allclose(rows, expected, atol=ROUNDING, err_msg=door)


def _served(run: greycard.Run, files: list[Path]) -> list[list[float]]:
    with TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        asked = [client.post("/api/predict", files={"file": file.read_bytes()}).json() for file in files]
    answers = [answer["images"][0]["answers"][0]["probabilities"] for answer in asked]
    return [[answer[name] for name in run.classes] for answer in answers]


def _exported(run: greycard.Run, form: str, images: np.ndarray, data: greycard.Dataset, out: Path) -> np.ndarray:
    from greycard.deploy.export.formats import find_format

    chosen = find_format(form)
    done = run.export(form, out / f"export{chosen.ending}", data=data.origin)
    return chosen.open(done.path)(images)[:, : len(run.classes)]


def test_an_explicit_precision_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GREYCARD_PRECISION", "float32")
    asked = greycard.train("digits-cnn", out=tmp_path, precision="bfloat16", **ONE_EPOCH)
    assert asked.recipe.training.precision == "bfloat16"


@pytest.mark.parametrize("empty", [None, ""])
def test_without_the_variable_the_hardware_decides(
    empty: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GREYCARD_PRECISION")
    if empty is not None:
        monkeypatch.setenv("GREYCARD_PRECISION", empty)
    run = greycard.train("digits-cnn", out=tmp_path, **ONE_EPOCH)
    assert run.recipe.training.precision == best_precision()


def test_another_value_is_an_error_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cli: Cli
) -> None:
    monkeypatch.setenv("GREYCARD_PRECISION", "half")
    outcome = cli("run", "digits-cnn", "--out", tmp_path / "runs")
    assert outcome.code == 2
    assert "error: GREYCARD_PRECISION must be float32 or bfloat16. Received: 'half'" in outcome.err
    assert "hint: unset GREYCARD_PRECISION" in outcome.err
    assert not (tmp_path / "runs").exists()
    with pytest.raises(GreycardError, match="GREYCARD_PRECISION"):
        greycard.train("digits-cnn", out=tmp_path, quiet=True)
    said = cli("info")
    assert (said.code, "precision        GREYCARD_PRECISION must be" in said.out) == (0, True)


def test_info_shows_what_is_forced_beside_what_was_detected(
    precision: str, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    assert f"precision        {precision} (GREYCARD_PRECISION; detected: {best_precision()})" in cli("info").out
    monkeypatch.delenv("GREYCARD_PRECISION")
    assert f"precision        {best_precision()} (detected)" in cli("info").out


def test_resume_keeps_the_precision_that_training_began_in(
    precision: str, trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    after_step, calls = Checkpointer.after_step, 0

    def interrupted(self: Checkpointer, progress: Any) -> bool:
        nonlocal calls
        calls += 1
        self._interruption.received = 2 if calls == 4 else self._interruption.received
        return after_step(self, progress)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpointer, "after_step", interrupted)
        with pytest.raises(InterruptedRunError) as stop:
            greycard.train("digits-cnn", out=tmp_path, **DIGITS)
    monkeypatch.setenv("GREYCARD_PRECISION", "float32" if precision == "bfloat16" else "bfloat16")
    resumed = greycard.resume(stop.value.run, quiet=True)
    assert resumed.recipe.training.precision == precision
    assert np.array_equal(resumed.predictions["probabilities"], trained(precision).predictions["probabilities"])


def test_a_run_says_what_it_was_trained_in(precision: str, trained: Trained, cli: Cli) -> None:
    run = trained(precision)
    line = "float32" if precision == "float32" else "bfloat16, measured in float32"
    assert f"  trained in           {line}\n" in cli("show", run.path).out
    assert f"Trained in {line}. Recipe" in cli("card", run.path).out
    page = Path(cli("report", run.path).out.strip()).read_text(encoding="utf-8")
    assert f"<dt>trained in</dt><dd>{line}</dd>" in page
    assert ("(trained in bfloat16, measured in float32)" in page) == (precision == "bfloat16")
    assert greycard.runs_table([run]).rows[0].precision == precision


def test_what_has_an_output_layer_alone_is_trained_in_float32(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The output layer computes in float32 in any case, so nothing of these is trained in bfloat16."""
    monkeypatch.setenv("GREYCARD_PRECISION", "bfloat16")
    neuron = greycard.train("house-prices", out=tmp_path, epochs=1, quiet=True)
    layers = {"conv": (), "dense": (), "backbone": trained("bfloat16").path}
    head = greycard.train("digits-cnn", out=tmp_path, **ONE_EPOCH | layers)
    assert neuron.recipe.training.precision == head.recipe.training.precision == "float32"


@pytest.mark.parametrize(
    ("words", "expected"), [("sse2 avx2", False), ("avx512f avx512_bf16", True), ("amx_bf16 amx_tile", True)]
)
def test_a_processor_says_whether_it_has_bfloat16(words: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "flags", lambda: frozenset(words.split()))
    assert precision._cpu_has_bfloat16() == expected
    monkeypatch.setattr(precision, "flags", frozenset)
    assert not precision._cpu_has_bfloat16()
