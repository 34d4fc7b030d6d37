"""The learning-rate finder: its rule, its picture, and that it leaves nothing but the picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.core.output_files import made_by_greycard
from greycard.training.find_rate import HIGHEST, LOWEST, STEPS, until_it_explodes

RATES = np.geomspace(LOWEST, HIGHEST, STEPS).tolist()


def _losses(falls_at: float, explodes_at: float, noise: float = 0.0) -> Iterator[float]:
    """From 2 down to 0.4 in a decade around `falls_at`, then up."""
    draws = np.random.default_rng(0)
    for rate in RATES:
        fallen = 1 / (1 + math.exp(-4 * math.log10(rate / falls_at)))
        yield 2 - 1.6 * fallen + max(0.0, 20 * math.log10(rate / explodes_at)) + noise * draws.normal()


@pytest.mark.parametrize("noise", [0.0, 0.1])
@pytest.mark.parametrize("falls_at", [1e-4, 1e-2, 0.3])
def test_the_rate_is_where_the_loss_has_fallen_half_way_and_it_stops_when_the_loss_explodes(
    falls_at: float, noise: float
) -> None:
    test = until_it_explodes(RATES, _losses(falls_at, 10 * falls_at, noise))
    assert test.suggested == pytest.approx(falls_at, rel=0.5)
    assert 10 * falls_at < test.rates[-1] < 40 * falls_at
    assert len(test.rates) == len(test.losses) == len(test.smooth)


def test_one_bad_batch_is_not_the_lowest_loss() -> None:
    losses = list(_losses(1e-2, 1.0))
    losses[5] = 0.01
    test = until_it_explodes(RATES, iter(losses))
    assert test.suggested == pytest.approx(1e-2, rel=0.5)


def test_it_ends_before_a_loss_that_is_no_number() -> None:
    test = until_it_explodes(RATES, iter([2.0, 1.0, 0.5, math.nan, 0.1]))
    assert test.losses == (2.0, 1.0, 0.5)
    with pytest.raises(GreycardError, match="NaN or infinite before the first step"):
        until_it_explodes(RATES, iter([math.inf]))


def test_without_a_fall_there_is_no_suggestion() -> None:
    assert until_it_explodes(RATES, iter([2.0] * STEPS)).suggested is None


def test_it_prints_a_setting_and_writes_a_picture_and_no_run(cli, tmp_path: Path) -> None:
    words = ["--set", "train_limit=60", "--set", "conv=", "--set", "dense=8", "--set", "schedule=onecycle"]
    said = cli("find-lr", "digits-cnn", *words, "--quiet", "--out", tmp_path)
    assert said.code == 0
    name, _, value = said.out.strip().partition("=")
    assert (name, 1e-5 < float(value) < 1) == ("learning_rate", True)
    assert "the loss fell from" in said.err
    assert "next:" not in said.err
    picture = tmp_path / "digits-cnn-lr.png"
    assert list(tmp_path.iterdir()) == [picture]
    assert made_by_greycard(picture)
    again = cli("find-lr", "digits-cnn", *words, "--out", tmp_path)
    assert again.out == said.out
    shown = "greycard run digits-cnn --set train_limit=60 --set conv= --set dense=8 --set schedule=onecycle"
    assert again.err.endswith(f"next:\n  {shown} --set learning_rate={value}\n")


def test_it_tries_rates_with_soft_targets() -> None:
    found = greycard.find_lr("digits-cnn", train_limit=60, conv=(), dense=(8,), label_smoothing=0.1, quiet=True)
    assert len(found.losses) > 10


def test_another_programs_picture_is_not_overwritten(cli, tmp_path: Path) -> None:
    (tmp_path / "digits-cnn-lr.png").write_bytes(b"mine")
    refused = cli("find-lr", "digits-cnn", "--out", tmp_path)
    assert (refused.code, "was not made by Greycard" in refused.err) == (2, True)
    assert (tmp_path / "digits-cnn-lr.png").read_bytes() == b"mine"


def test_a_folder_in_the_data_folder_is_found(cli, images: Path, tmp_path: Path) -> None:
    fields = ["--set=image_size=16", "--set=conv=", "--set=dense=4", "--weights=none"]
    said = cli("find-lr", images.name, "--data-dir", images.parent, *fields, "--out", tmp_path)
    assert said.code == 0
    assert (tmp_path / f"{images.name}-lr.png").is_file()
    assert said.out == "" or f"greycard train {images.name} --data-dir {images.parent} --weights none" in said.err


def test_it_tries_the_head_of_a_frozen_backbone(tmp_path: Path) -> None:
    first = greycard.train("digits-cnn", out=tmp_path, epochs=1, train_limit=60, val_limit=30, quiet=True)
    changes = {"conv": (), "backbone": str(first.path), "dense": (8,), "train_limit": 60, "val_limit": 30}
    found = greycard.find_lr("digits-cnn", quiet=True, **changes)
    assert found.recipe.pretrained is not None
    assert len(found.rates) == len(found.losses) > 20
    assert "fallen half-way" in found.sentence


def test_a_probe_is_refused_and_the_hint_works(tmp_path: Path) -> None:
    first = greycard.train("digits-cnn", out=tmp_path, epochs=1, train_limit=60, val_limit=30, quiet=True)
    few = {"train_limit": 60, "val_limit": 30, "quiet": True}
    with pytest.raises(GreycardError, match="a probe has no learning rate") as refused:
        greycard.find_lr("digits-cnn", backbones=str(first.path), **few)
    assert f"--set backbone={first.path} " in (refused.value.hint or "")
    assert greycard.find_lr("digits-cnn", backbones=(), backbone=str(first.path), **few).rates
    with pytest.raises(GreycardError, match="cannot try the learning rate of fine-tuning"):
        greycard.find_lr("digits-cnn", backbones=str(first.path), fine_tune="last", **few)
