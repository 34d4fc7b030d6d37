"""`greycard tune` measures a network's operations, keeps the result, and later runs use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import greycard
from greycard.backend import measurements, tensorflow_steps
from greycard.backend.choices import Choice, Measured, Shape
from greycard.backend.measurements import keep, own_file, table
from greycard.runs.record import RunRecord

pytest.importorskip("tensorflow")

SHAPE = Shape("conv + pool", "float32", 8, 1, 6)
SMALL: dict[str, Any] = {
    "conv": (6,),
    "dense": (8,),
    "epochs": 2,
    "train_limit": 96,
    "val_limit": 40,
    "batch_size": 16,
    "precision": "float32",
    "quiet": True,
}


@pytest.fixture(autouse=True)
def every_training_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)


def _recipe(folder: Path) -> Path:
    file = folder / "small.yaml"
    file.write_text(
        "name: small\ndata: {dataset: digits, image_size: 8, channels: 1}\n"
        "model: {kind: convnet, conv: [6], dense: [8]}\ntraining: {batch_size: 16, precision: float32}\n"
    )
    return file


@pytest.mark.slow
def test_a_recipes_operations_are_measured_printed_and_kept(cli: Any, tmp_path: Path) -> None:
    result = cli("tune", _recipe(tmp_path))
    assert result.code == 0, result.err
    line = next(line for line in result.out.splitlines() if line.startswith("conv + pool"))
    assert all(way in line for way in ("onednn", "xla-pool", "xla", "winograd", "gray"))
    assert "float32" in result.out.splitlines()[-1]
    assert str(own_file()) in result.err
    kept = json.loads(own_file().read_text())
    assert kept["measured"][0]["shape"] == {
        "operation": "conv + pool", "dtype": "float32", "pixels": 8, "channels": 1, "filters": 6
    }  # fmt: skip
    assert table().measured[0].shape == SHAPE
    assert kept["precisions"] == {}


@pytest.mark.parametrize("project", ["cats-dogs-3k-transfer", "house-prices"])
def test_what_has_nothing_to_choose_is_refused(cli: Any, project: str) -> None:
    result = cli("tune", project)
    assert result.code == 2
    assert "nothing to choose" in result.err
    assert "hint:" in result.err


def test_an_unknown_project_is_a_users_mistake(cli: Any) -> None:
    result = cli("tune", "cats-dogs-3k-cn")
    assert result.code == 2
    assert "cats-dogs-3k-cnn" in result.err


def test_a_run_records_its_choices_and_resumes_with_them(interrupted: Any, tmp_path: Path) -> None:
    """Measurements that change in between change nothing."""
    keep([Measured(SHAPE, {"onednn": 9.0, "gray": 1.0})], {}, "2026-01-01")
    whole = greycard.train("digits-cnn", out=tmp_path / "whole", **SMALL)
    assert whole.path is not None
    choices = RunRecord(whole.path).choices
    assert choices is not None
    assert choices.choices == (Choice(SHAPE, "gray"),)
    assert choices.source.startswith("measured here on 2026-01-01")
    run = interrupted(3, "digits-cnn", out=tmp_path / "stopped", **SMALL)
    keep([Measured(SHAPE, {"onednn": 9.0, "xla": 1.0})], {}, "2026-01-02")
    resumed = greycard.resume(run, quiet=True)
    assert RunRecord(run).choices == choices
    assert [epoch.train_loss for epoch in resumed.history] == [epoch.train_loss for epoch in whole.history]


def test_a_damaged_record_of_choices_is_named(interrupted: Any, tmp_path: Path) -> None:
    run = interrupted(3, "digits-cnn", out=tmp_path, **SMALL)
    (run / "choices.json").write_text("{}")
    with pytest.raises(greycard.GreycardError, match=r"choices\.json"):
        greycard.resume(run, quiet=True)


def test_a_family_that_was_measured_to_be_faster_in_float32_is_trained_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from greycard.backend import precision

    monkeypatch.delenv("GREYCARD_PRECISION")
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr(measurements, "instruction_set", lambda: "new")
    assert precision.auto_precision("convnet") == "bfloat16"
    keep([], {"convnet": "float32"}, "2026-01-01")
    assert precision.auto_precision("convnet") == "float32"
    assert precision.auto_precision("resnet") == "bfloat16"
    monkeypatch.setenv("GREYCARD_PRECISION", "bfloat16")
    assert precision.auto_precision("convnet") == "bfloat16"
