"""What the page reads of runs while they train and afterwards, from files alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import a_summary, an_epoch
from greycard.core.records import to_json
from greycard.core.run_format import JOB
from greycard.datasets.dataset import Split
from greycard.recipe import Recipe
from greycard.runs.directory import CHECKPOINTS, ENVIRONMENT, LABELS, RECIPE, RUN_ARGS, RunDirectory
from greycard.runs.environment import environment
from greycard.runs.run_args import RunArgs
from greycard.search.record import DONE, INTERRUPTED, RUNNING, SEARCH, TRIED, Rung, SearchRecord, SetAside
from greycard.studio.training.progress import progress_of
from greycard.studio.training.run_list import is_done, is_unfinished, run_of_job, runs_on
from greycard.training.checkpoint import TrainState, write_checkpoint

BACKEND = {"backend": "tensorflow", "backend_version": "2", "device": "cpu", "keras": "3"}
CONVNET = Recipe.make("pets", "pets", conv=(8,), image_size=8, epochs=10, batch_size=4)


def _split(ids: Iterable[str]) -> Split:
    names = tuple(ids)
    return Split(names, np.zeros(len(names), np.int64), tuple(map(Path, names)))


def _begun(out: Path, root: Path, recipe: Recipe = CONVNET, images: int = 20) -> RunDirectory:
    """A run that a process has just begun."""
    run = RunDirectory.new(out, recipe.name)
    run.write_json(RUN_ARGS, to_json(RunArgs(data=str(root))))
    run.write_json(ENVIRONMENT, environment(BACKEND))
    run.write_json(LABELS, {"classes": ["cat", "dog"]})
    run.write_split([_split(f"cat/{n}.png" for n in range(images)), _split(["dog/1.png"])])
    run.write_json(RECIPE, recipe.to_json())
    return run


def test_a_run_in_training_shows_its_speed_and_its_time_left(tmp_path: Path) -> None:
    run = _begun(tmp_path / "runs", tmp_path)
    begun = progress_of(run.path)
    assert begun is not None
    assert (begun.trains, begun.images, begun.epochs, begun.history) == ("pets-1", 20, 10, [])
    assert (begun.images_per_second, begun.left_seconds) == (None, None)
    run.append_history(an_epoch(1, seconds=60.0, train_seconds=50.0))
    assert progress_of(run.path).left_seconds is None  # type: ignore[union-attr]
    run.append_history(an_epoch(2, seconds=4.0, train_seconds=2.0))
    trained = progress_of(run.path)
    assert trained is not None
    assert (trained.images_per_second, trained.left_seconds, trained.images_done) == (10.0, 32.0, 0)
    write_checkpoint(run.path / CHECKPOINTS, TrainState("d", epoch=2, batch=3, epoch_seconds=2.0), [])
    within = progress_of(run.path)
    assert within is not None
    assert (within.images_done, within.images_per_second, within.left_seconds) == (12, 6.0, 30.0)
    run.append_history(an_epoch(3, seconds=4.0, train_seconds=2.0))  # the checkpoint is from before its end
    assert progress_of(run.path).images_done == 0  # type: ignore[union-attr]
    run.release()


def test_a_time_limit_bounds_the_time_left(tmp_path: Path) -> None:
    run = _begun(tmp_path / "runs", tmp_path, CONVNET.replace(minutes=0.5))
    for number in (1, 2):
        run.append_history(an_epoch(number, seconds=10.0))
    assert progress_of(run.path).left_seconds == 10.0  # type: ignore[union-attr]
    write_checkpoint(run.path / CHECKPOINTS, TrainState("d", epoch=2, batch=1, seconds={"total": 27.0}), [])
    assert progress_of(run.path).left_seconds == 3.0  # type: ignore[union-attr]
    run.release()


def test_a_probe_fits_its_features_at_once_so_that_it_has_no_speed(tmp_path: Path) -> None:
    run = _begun(tmp_path / "runs", tmp_path, Recipe.make("pets", "pets", backbones=("EfficientNetLite0",), epochs=1))
    run.append_history(an_epoch(1, seconds=1.0, train_seconds=0.5))
    assert progress_of(run.path).images_per_second is None  # type: ignore[union-attr]
    run.release()


def test_nothing_to_read_and_damaged_files_are_no_progress(tmp_path: Path) -> None:
    assert progress_of(tmp_path / "runs" / "pets-1") is None
    run = _begun(tmp_path / "runs", tmp_path)
    (run.path / "history.jsonl").write_text("{}\n")
    assert progress_of(run.path) is None
    run.release()


def test_runs_of_a_folder_are_listed_with_what_can_be_done(tmp_path: Path) -> None:
    root, runs = tmp_path / "pets", tmp_path / "runs"
    run, other = _begun(runs, root), _begun(runs, tmp_path / "birds")
    (runs / "notes").mkdir()
    assert [(line.name, line.state, line.can_resume) for line in runs_on(root, runs)] == [("pets-1", "training", False)]
    run.release()
    assert [(line.state, line.can_resume) for line in runs_on(root, runs)] == [("unfinished", True)]
    run.finish(a_summary(val_accuracy=0.9, val_images=100))
    (line,) = runs_on(root, runs)
    assert (line.state, line.can_resume) == ("finished", False)
    assert line.figure is not None
    assert (line.figure.kind, line.figure.value, line.figure.images) == ("accuracy", 0.9, 100)
    assert line.figure.low < 0.9 < line.figure.high
    (run.path / "summary.json").write_text("{}")
    assert runs_on(root, runs) == []  # a damaged run hides no other
    other.release()


def test_a_run_is_found_by_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    assert run_of_job("abc", runs, 0.0) is None
    _begun(runs, tmp_path).release()
    monkeypatch.setenv(JOB, "abc")
    mine = _begun(runs, tmp_path)
    mine.release()
    assert run_of_job("abc", runs, 0.0) == "pets-2"
    assert run_of_job("ab", runs, 0.0) is None
    os.utime(mine.path, (0, 0))
    assert run_of_job("abc", runs, 10.0) is None  # it is older than the job


def test_a_search_shows_the_recipe_that_it_trains_and_its_ladder(tmp_path: Path) -> None:
    run = _begun(tmp_path / "runs", tmp_path)
    tried = _begun(run.path / TRIED, tmp_path, CONVNET.replace(name="resnet"))
    tried.append_history(an_epoch(1))
    done = Rung(name="probe", what="a probe", least_epochs=1, state=DONE, run="probe-1", val_accuracy=0.8)
    now = Rung(name="resnet", what="ResNet", least_epochs=3, state=RUNNING, run=tried.path.name)
    aside = SetAside(source="split", images=9, seed=0, grouped=True)
    record = SearchRecord(
        minutes=10, seed=0, spent_seconds=60, val_images=7, set_aside=aside, rungs=(done, now), best="probe"
    )
    run.write_json(SEARCH, to_json(record))
    found = progress_of(run.path)
    assert found is not None
    assert (found.trains, len(found.history), found.search) == ("resnet-1", 1, record)
    assert found.left_seconds is not None
    assert 530 < found.left_seconds <= 540
    tried.release()
    run.finish(a_summary(test_accuracy=0.75, test_images=40))
    for ended, can_go_on in ((INTERRUPTED, True), ("all tried", False)):
        run.write_json(SEARCH, to_json(replace(record, ended=ended)))
        assert (is_unfinished(run.path), is_done(run.path)) == (can_go_on, not can_go_on)
    (line,) = runs_on(tmp_path, tmp_path / "runs")
    assert line.figure is not None
    assert (line.figure.value, line.figure.images, line.figure.set_aside) == (0.75, 40, True)


def test_runs_of_a_label_file_belong_to_its_folder(tmp_path: Path) -> None:
    root, runs = tmp_path / "pets", tmp_path / "runs"
    _begun(runs, root / "labels.csv").release()
    _begun(runs, root / "more" / "labels.csv").release()
    assert [line.name for line in runs_on(root, runs)] == ["pets-1"]
