"""A sweep trains ordinary runs: the numbers of `greycard train`, each once, in any process and after any end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from conftest import make_folder
from greycard.cluster import sweep as driver
from greycard.cluster.units import LOG
from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.reports.compare import comparison_text
from greycard.reports.sweep_page import sweep_page
from greycard.runs.record import RunRecord, find_runs
from greycard.runs.sweep import DECISIONS, PLAN, SweepRecord
from greycard.runs.sweep_result import result_of
from greycard.storage import claims
from greycard.storage.claims import claimed

SMALL: dict[str, Any] = {
    "epochs": 4,
    "train_limit": 208,
    "val_limit": 96,
    "batch_size": 16,
    "conv": (),
    "dropout": 0.3,
    "quiet": True,
}
VARY = {"learning_rate": (0.003, 0.001), "dense": (16, (24, 8))}
HALVED: dict[str, Any] = SMALL | {"vary": VARY, "halve_from": 1}


def numbers(run: RunRecord) -> list[dict[str, Any]]:
    """The history without what is a time."""
    return [{key: value for key, value in epoch.to_json().items() if "seconds" not in key} for epoch in run.history]


def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels of the units that are trained from now on."""
    from greycard.cluster import units

    found: list[str] = []
    for name in ("_new", "_continued"):
        known = getattr(units, name)

        def noted(task: Any, *rest: Any, known: Callable[..., Path] = known) -> Path:
            found.append(task.unit.label)
            return known(task, *rest)

        monkeypatch.setattr(units, name, noted)
    return found


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> SweepRecord:
    """Four combinations; two continue after epoch 1, one after epoch 2."""
    return greycard.sweep("digits-cnn", out=tmp_path_factory.mktemp("halved"), **HALVED)


@pytest.mark.slow
def test_halving_trains_the_numbers_of_train(halved: SweepRecord, tmp_path: Path) -> None:
    """Each run is as far as the decisions let it be, and has the numbers of a run without pauses."""
    first, second = halved.decisions
    assert (first.epoch, second.epoch) == (1, 2)
    assert first.kept == tuple(label for label in halved.plan.labels if label in first.kept)
    assert (len(first.kept), len(second.kept), set(second.kept) < set(first.kept)) == (2, 1, True)
    assert halved.finished
    whole = greycard.sweep("digits-cnn", out=tmp_path, **SMALL, vary=VARY)
    for unit in halved.plan.units:
        run, other = halved.run_of(unit), whole.run_of(unit)
        assert run is not None
        assert other is not None
        label, history = unit.variation.label, numbers(other)
        epochs = 4 if label in second.kept else 2 if label in first.kept else 1
        assert (len(run.history), run.finished) == (epochs, epochs == 4)
        assert numbers(run) == history[:epochs]
    best = halved.run_of(halved.plan.units_of(second.kept)[0])
    assert best is not None
    plain = greycard.train(
        "digits-cnn",
        out=tmp_path / "plain",
        **SMALL,
        learning_rate=best.recipe.optimizer.learning_rate,
        dense=best.recipe.settings()["dense"],
    )
    assert numbers(plain) == numbers(best)
    assert np.array_equal(plain.predictions["probabilities"], best.predictions["probabilities"])
    for ours, theirs in zip(plain.model.get_weights(), greycard.open_run(best.path).model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_decisions_are_made_from_the_figures_of_all_runs(halved: SweepRecord) -> None:
    for decision in halved.decisions:
        for score in decision.scores:
            run = halved.run_of(halved.plan.units_of((score.variation,))[0])
            assert run is not None
            epoch = run.history[decision.epoch - 1]
            assert (score.accuracy, score.loss) == (epoch.val_accuracy, epoch.val_loss)
        worst_kept = min(each.accuracy or 0 for each in decision.scores if each.variation in decision.kept)
        assert all(
            (each.accuracy or 0) <= worst_kept for each in decision.scores if each.variation not in decision.kept
        )


def test_the_same_sweep_again_trains_nothing(halved: SweepRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in halved.path.rglob("*") if path.is_file()}
    labels = trained(monkeypatch)
    again = greycard.sweep("digits-cnn", out=halved.path.parent, **HALVED)
    assert labels == []
    assert again.decisions == halved.decisions
    assert {path: path.read_bytes() for path in halved.path.rglob("*") if path.is_file()} == before
    assert {path.name for path in halved.path.iterdir() if path.is_file()} == {PLAN, DECISIONS}


@pytest.mark.slow
def test_an_interrupted_sweep_continues_with_the_same_numbers(
    halved: SweepRecord, interrupted: Any, tmp_path: Path
) -> None:
    said = "of 4 runs are finished"
    path = interrupted(20, "digits-cnn", by=greycard.sweep, out=tmp_path, said=said, **HALVED)
    assert path == tmp_path / "digits-cnn-sweep"
    assert not SweepRecord(path).finished
    interrupted(66, "digits-cnn", by=greycard.sweep, out=tmp_path, said=said, **HALVED)
    again = greycard.sweep("digits-cnn", out=tmp_path, **HALVED)
    assert again.decisions == halved.decisions
    assert len(find_runs(path)) == len(halved.plan.units)
    for unit in halved.plan.units:
        one, other = halved.run_of(unit), again.run_of(unit)
        assert one is not None
        assert other is not None
        assert numbers(one) == numbers(other)


def test_a_lost_decision_is_made_again(halved: SweepRecord) -> None:
    decisions = halved.decisions
    (halved.path / DECISIONS).write_text("")
    again = greycard.sweep("digits-cnn", out=halved.path.parent, **HALVED)
    assert again.decisions == decisions


@pytest.mark.slow
def test_more_seeds_keep_the_runs_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = SMALL | {"epochs": 1, "dense": 16, "out": tmp_path}
    greycard.sweep("digits-cnn", seeds=(0, 1), **once)
    labels = trained(monkeypatch)
    more = greycard.sweep("digits-cnn", seeds=range(3), **once)
    assert labels == ["digits-cnn, seed 2"]
    assert [run.recipe.training.seed for run in more.runs] == [0, 1, 2]


def test_a_run_that_another_process_has_claimed_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    once = SMALL | {"epochs": 1, "dense": 16, "out": tmp_path, "quiet": False, "seeds": (0, 1)}
    labels = trained(monkeypatch)
    folder = tmp_path / "digits-cnn-sweep"
    folder.mkdir()
    with claimed(folder, "digits-cnn-seed-0", otherwise=False) as mine:
        assert mine
        left = greycard.sweep("digits-cnn", **once)
        assert [run.recipe.training.seed for run in left.runs] == [1]
        assert "1 run is in training elsewhere" in capfd.readouterr().err
    whole = greycard.sweep("digits-cnn", **once)
    assert labels == ["digits-cnn, seed 1", "digits-cnn, seed 0"]
    assert [run.recipe.training.seed for run in whole.runs] == [0, 1]
    assert not (folder / "claims").exists()


@pytest.mark.slow
def test_a_share_begins_with_its_part_and_takes_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = SMALL | {"epochs": 1, "dense": 16, "out": tmp_path, "seeds": range(3)}
    labels = trained(monkeypatch)
    greycard.sweep("digits-cnn", share=(1, 2), **once)
    assert labels == [f"digits-cnn, seed {seed}" for seed in (1, 0, 2)]


@pytest.mark.slow
def test_without_locks_each_share_trains_its_part_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once = SMALL | {"epochs": 1, "dense": 16, "out": tmp_path, "seeds": range(3)}

    def no_locks(file: Any) -> bool:
        raise OSError("this file system has no locks")

    monkeypatch.setattr(claims.locks, "try_lock", no_locks)
    labels = trained(monkeypatch)
    for number in (1, 0):
        greycard.sweep("digits-cnn", share=(number, 2), **once)
    assert labels == [f"digits-cnn, seed {seed}" for seed in (1, 0, 2)]


def test_a_rung_waits_for_the_runs_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process has a run of the rung, nothing is decided; when it ends, its run is taken over."""
    halved = SMALL | {"dense": 16, "epochs": 2, "halve_from": 1, "vary": {"learning_rate": (0.003, 0.001)}}
    folder = tmp_path / "digits-cnn-sweep"
    folder.mkdir()
    other = claimed(folder, "digits-cnn-learning_rate-0.001-seed-0", otherwise=False)
    assert other.__enter__()
    looks: list[int] = []

    def wait(seconds: float) -> None:
        looks.append(len(SweepRecord(folder).decisions))
        if len(looks) == 2:
            other.__exit__(None, None, None)

    monkeypatch.setattr(driver, "time", SimpleNamespace(sleep=wait))
    found = greycard.sweep("digits-cnn", out=tmp_path, **halved)
    assert looks == [0, 0]
    assert (len(found.decisions), found.finished) == (1, True)


def test_a_folder_is_swept_as_train_would(tmp_path: Path, cli: Any) -> None:
    data = make_folder(tmp_path / "pets", ("train", "validation"), ("dark", "light"), 12)
    words = ("--weights", "none", "--epochs", 1, "--set", "image_size=16", "--set", "augmentation=none", "--quiet")
    said = cli(
        "sweep",
        data,
        *words,
        "--minutes",
        3,
        "--vary",
        "conv=(4),(4,8)",
        "--out",
        tmp_path / "runs",
        "--format",
        "json",
    )
    assert said.code == 0, said.err
    found = SweepRecord(tmp_path / "runs" / "pets-sweep")
    assert [each.label for each in found.plan.variations] == ["conv=4", "conv=4,8"]
    plain = cli("train", data, *words, "--set", "minutes=3", "--set", "conv=4,8", "--out", tmp_path / "plain")
    assert plain.code == 0, plain.err
    assert numbers(found.runs[1]) == numbers(RunRecord(tmp_path / "plain" / "pets-1"))
    assert [run.recipe.stopping.minutes for run in found.runs] == [3, 3]
    result = json.loads(said.out)
    assert [each["value"] for each in result["combinations"]] == [run.summary.val_accuracy for run in found.runs]
    assert result["effects"][0]["value"] == "4,8"
    assert result["compared"]["images"] == 24


def test_show_prints_a_sweep(halved: SweepRecord, cli: Any) -> None:
    said = cli("show", halved.path)
    assert said.code == 0, said.err
    for label in halved.plan.labels:
        assert label in said.out
    assert "ended after epoch 1 at" in said.out
    assert "after epoch 1, with all runs (one seed, so no interval" in said.out


def test_the_report_has_every_combination_and_decision(halved: SweepRecord, tmp_path: Path, cli: Any) -> None:
    said = cli("report", halved.path, "-o", tmp_path / "sweep.html")
    assert (said.code, said.out) == (0, f"{tmp_path / 'sweep.html'}\n"), said.err
    page = (tmp_path / "sweep.html").read_text(encoding="utf-8")
    for label in halved.plan.labels:
        assert page.count(f'<th scope="row">{label}</th>') == 1 + sum(
            any(score.variation == label for score in each.scores) for each in halved.decisions
        )
    assert page.count("<h2>After epoch ") == 2
    assert "Effect on validation accuracy in points, after epoch 1, with all runs" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


@pytest.mark.parametrize(
    ("words", "sentence", "hint"),
    [
        (("--vary", "lerning_rate=1,2"), "--vary knows no field 'lerning_rate'", "did you mean learning_rate"),
        (("--vary", "learning_rate=0.1"), "learning_rate needs two or more values", "--set learning_rate=0.1"),
        (("--vary", "learning_rate"), "--vary expects field=value,value", "--vary learning_rate=0.003,0.001"),
        (("--vary", "learning_rate=1e-3,0.001"), "learning_rate has the value 0.001 twice", "each value once"),
        (("--vary", "seed=0,1"), "the seed is not varied", "--seeds 0-4"),
        (("--vary", "learning_rate=0.1,-1"), "learning_rate", "hint"),
        (("--vary", "dense=8,16", "--set", "dense=4"), "dense is both set and varied", "leave out dense=4"),
        (("--vary", "dense=8,16", "--vary", "dense=4,2"), "--vary dense is there twice", "name all values once"),
        (("--seeds", "4-0"), "the range of seeds 4-0 is empty", "--seeds 0-4"),
        (("--seeds", "0,0"), "the seed 0 is there twice", "once"),
        (("--seeds", "many"), "seeds are whole numbers and ranges. Received: 'many'", "--seeds 0-4"),
        (("--seeds", "3"), "a sweep needs two or more runs", "--vary learning_rate=0.003,0.001"),
        ((), "a sweep needs two or more runs", "--seeds 0-4"),
        (("--seeds", "0-1", "--seed", "3"), "a sweep takes its seeds in a list", "--seeds 3"),
        (("--seeds", "0-1", "--halve-from", "1"), "halving needs two or more combinations", "--vary"),
        (("--vary", "dense=8,16", "--halve-from", "4", "--epochs", "4"), "halving after epoch 4 needs", "up to 3"),
        (("--vary", "dense=8,16", "--halve-from", "0"), "halving begins after an epoch from 1 on", "--halve-from 2"),
        (("--vary", "epochs=2,3", "--halve-from", "1"), "these have 2, 3 epochs", "--epochs sets one number"),
        (("--seeds", "0-1", "--share", "2/2"), "share i/n needs 0 ≤ i < n", "--share 0/4"),
        (("--seeds", "0-1", "--share", "half"), "--share is I/N", "--share 0/4"),
        (("--seeds", "0-1", "--on", "processes:none"), "processes:N needs a number", "--on processes:2"),
        (("--seeds", "0-1", "--on", "mars"), "work cannot run on 'mars'", "leave out --on"),
        (("--seeds", "0-1", "--on", "ray://lab:10001"), "Ray Client (ray://lab:10001) is not", "ray job submit"),
        (("--seeds", "0-1", "--on", "cluster"), "--on cluster needs RAY_ADDRESS", "export RAY_ADDRESS"),
    ],
)
def test_a_mistake_is_a_sentence_and_writes_nothing(
    words: tuple[str, ...], sentence: str, hint: str, tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    said = cli("sweep", "digits-cnn", "--out", tmp_path, *words)
    assert said.code == 2, said.err
    assert sentence in said.err
    assert hint in said.err.partition("hint:")[2] or hint == "hint"
    assert not list(tmp_path.iterdir())


def test_without_ray_other_places_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from greycard.cluster import where

    monkeypatch.setattr(where, "find_spec", lambda name: None)
    with pytest.raises(GreycardError, match="needs Ray, which is not installed") as refused:
        greycard.sweep("digits-cnn", seeds=(0, 1), on="processes:2")
    assert 'pip install "greycard[ray]"' in refused.value.hint


def test_a_run_that_fails_is_named_and_the_others_are_trained(tmp_path: Path, cli: Any) -> None:
    words = ("--epochs", 1, "--set", "train_limit=208", "--set", "val_limit=96", "--set", "conv=none", "--quiet")
    said = cli("sweep", "digits-cnn", "--vary", "task=multiclass,binary", "--out", tmp_path, *words)
    assert said.code == 2
    assert "1 of 2 runs could not be trained: run 2 of 2 (task=binary, seed" in said.err
    assert "the same command continues with the others" in said.err
    assert len(SweepRecord(tmp_path / "digits-cnn-sweep").runs) == 1
    assert not list(tmp_path.rglob(LOG))


def test_run_trains_projects_with_seeds(tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Recipe.make("one", "digits", image_size=8, conv=(), dense=8, train_limit=100, val_limit=50).save("one.yaml")
    Recipe.make("two", "digits", image_size=8, conv=(), dense=9, train_limit=100, val_limit=50).save("two.yaml")
    words = ("run", "one.yaml", "two.yaml", "--epochs", 1, "--quiet", "--out", tmp_path)
    labels = trained(monkeypatch)
    said = cli(*words, "--seeds", "0-1")
    assert said.code == 0, said.err
    assert labels == ["one, seed 0", "one, seed 1", "two, seed 0", "two, seed 1"]
    assert [line.split()[0] for line in said.out.splitlines()[2:]] == [
        f"{name}-seed-{seed}-1" for name in ("one", "two") for seed in (0, 1)
    ]
    plain = cli("run", "two.yaml", "--seed", 1, "--epochs", 1, "--quiet", "--out", tmp_path / "plain")
    assert plain.code == 0
    found = SweepRecord(tmp_path / "two-sweep").runs
    assert numbers(found[1]) == numbers(RunRecord(tmp_path / "plain" / "two-1"))
    assert cli(*words, "--seeds", "0-1").code == 0
    assert len(labels) == 4
    assert "two recipes have the name 'one'" in cli("run", "one.yaml", Path("one.yaml").absolute(), "--seeds", 1).err


def test_whole_numbers_are_swept_as_train_would_read_them(tmp_path: Path, cli: Any) -> None:
    for row in range(20):
        Image.fromarray(np.full((16, 16, 3), 12 * row, np.uint8)).save(tmp_path / f"{row}.png")
    table = tmp_path / "ages.csv"
    table.write_text("path,age\n" + "".join(f"{row}.png,{row}\n" for row in range(20)))
    words = ("--weights", "none", "--epochs", 1, "--set", "image_size=16", "--set", "augmentation=none", "--quiet")
    said = cli("sweep", table, *words, "--set", "task=regression", "--seeds", "0-1", "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    runs = SweepRecord(tmp_path / "runs" / "ages-sweep").runs
    assert all(run.target is not None for run in runs)
    errors = [run.summary.numbers.validation.mae for run in runs if run.summary.numbers]
    (found,) = result_of(SweepRecord(tmp_path / "runs" / "ages-sweep")).combinations
    assert (found.value, found.lowest, found.highest) == (np.mean(errors), min(errors), max(errors))
    assert "val MAE  lowest" in said.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "task", "on"),
    [("age", "regression", "mean absolute error"), ("a,b", "multilabel", "mean average precision in points")],
)
def test_numbers_and_several_labels_have_effects(column: str, task: str, on: str, tmp_path: Path, cli: Any) -> None:
    for row in range(40):
        Image.fromarray(np.full((16, 16, 3), 6 * row, np.uint8)).save(tmp_path / f"{row}.png")
    labels = (f"{row}" if task == "regression" else f"{int(row > 10)},{row % 2}" for row in range(40))
    table = tmp_path / "ages.csv"
    table.write_text(f"path,{column}\n" + "".join(f"{row}.png,{label}\n" for row, label in enumerate(labels)))
    words = ("--weights", "none", "--epochs", 2, "--set", "image_size=16", "--set", "augmentation=none", "--quiet")
    words = ("sweep", table, *words, "--set", f"task={task}", "--seeds", "0-1", "--vary", "learning_rate=0.01,0.0001")
    said = cli(*words, "--out", tmp_path / "runs")
    assert said.code == 0, said.err
    assert f"effect on {on}, of the finished runs (95 % interval over 2 seeds)" in said.out
    sweep = SweepRecord(tmp_path / "runs" / "ages-sweep")
    found = result_of(sweep)
    first, second = (each.value for each in found.combinations)
    assert first is not None
    assert second is not None
    assert found.effects[0].difference == pytest.approx(second - first)
    assert found.compared is not None
    assert comparison_text(found.compared) in said.out
    page = sweep_page(sweep)
    assert f"Effect on {on}" in page
    assert f'<th class="number">{found.measure.title}</th>' in page
    assert f"{found.measure.name[1:]} and loss on the validation images" in page
