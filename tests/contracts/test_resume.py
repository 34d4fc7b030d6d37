"""Ended and gone on with: the same numbers as never ended, and nothing taken for whole that is not."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from greycard.backend import execution
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.runs.directory import RunDirectory
from greycard.training import best_weights, checkpoint, checkpointer
from greycard.training.checkpoint import newest_checkpoint

DNN: dict[str, Any] = {"conv": (), "dense": (16,), "dropout": 0.3, "optimizer": "rmsprop"}
CNN: dict[str, Any] = {"rotation_range": 20.0, "horizontal_flip": True, "feature_dropout": 0.2, "patience": 9}
EVERYTHING: dict[str, Any] = {
    "schedule": "onecycle",
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "nesterov": True,
    "weight_decay": 0.001,
    "clip_norm": 1.0,
    "ema": 0.99,
}
"""Every setting of an optimizer that has a state or depends on the step."""

RESNET: dict[str, Any] = {"model.kind": "resnet", "model.width": 4, "blocks": (1,), "dropout": 0.2}
SOFT: dict[str, Any] = {"label_smoothing": 0.1, "balance": "weights", "mixup": 0.2, "cutmix": 1.0}
BALANCED: dict[str, Any] = {"balance": "sampling", "rotation_range": 20.0}
SMALL: dict[str, Any] = {"epochs": 3, "train_limit": 208, "val_limit": 96, "batch_size": 16, "quiet": True}


def numbers(run: greycard.Run) -> list[dict[str, Any]]:
    """The history without what is a time."""
    return [{key: value for key, value in epoch.to_json().items() if "seconds" not in key} for epoch in run.history]


def assert_same(one: greycard.Run, other: greycard.Run) -> None:
    """Number for number: history, predictions, weights."""
    assert numbers(one) == numbers(other)
    assert np.array_equal(one.predictions["probabilities"], other.predictions["probabilities"])
    for ours, theirs in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)
    times = {"time", "seconds_per_epoch", "first_epoch_seconds", "resumed", "peak_memory_mb", "expected_memory_mb"}
    ours, theirs = one.summary.to_json(), other.summary.to_json()
    for name in ours.keys() - times:
        assert ours[name] == theirs[name], name


@pytest.mark.small_project
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(DNN, marks=pytest.mark.slow),
        CNN,
        EVERYTHING | {"keep": "best", "precision": "float32"},
        pytest.param(EVERYTHING | RESNET | {"precision": "bfloat16"}, marks=pytest.mark.slow),
        pytest.param(SOFT, marks=pytest.mark.slow),
        pytest.param(BALANCED, marks=pytest.mark.slow),
    ],
    ids=[
        "dnn",
        "cnn, augmented",
        "onecycle and ema",
        "batch norm and ema in bfloat16",
        "cnn, soft targets",
        "cnn, balanced",
    ],
)
def test_resumed_equals_uninterrupted(
    changes: dict[str, Any], interrupted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ended within an epoch, at the ends of two, and when all is trained and nothing written."""
    monkeypatch.setattr(execution, "_MOST_STEPS", 1)
    run = interrupted(3, "digits-cnn", out=tmp_path / "a", **SMALL, **changes)
    for moment in (11, 14, 14):
        interrupted(moment, run, resume=True, quiet=True)
        assert not greycard.open_run(run).finished
    resumed = greycard.resume(run, quiet=True)
    assert resumed.summary.resumed == 4
    assert_same(resumed, greycard.train("digits-cnn", out=tmp_path / "b", **SMALL, **changes))
    assert not (run / "checkpoint").exists()


@pytest.mark.slow
def test_the_best_epochs_weights_survive_every_interruption(
    interrupted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ended within the epoch after the best, at the end of the last, and when the finished model is measured."""
    monkeypatch.setattr(best_weights, "best_epoch", lambda history: history[min(len(history), 1) - 1])
    changes = SMALL | CNN | {"keep": "best"}
    whole = greycard.train("digits-cnn", out=tmp_path / "b", **changes)
    assert (whole.summary.kept_epoch, len(whole.history)) == (1, 3)
    assert whole.summary.val_accuracy == pytest.approx(whole.history[0].val_accuracy, abs=1e-6)
    run = interrupted(17, "digits-cnn", out=tmp_path / "a", **changes)
    found = newest_checkpoint(run / "checkpoint")
    assert found is not None
    assert (found[0].best, found[0].epoch) == (1, 1)
    interrupted(25, run, resume=True, quiet=True)
    interrupted(1, run, resume=True, quiet=True)
    assert_same(greycard.resume(run, quiet=True), whole)


def test_a_run_that_was_stopped_is_not_trained_on_when_it_is_resumed(interrupted, tmp_path: Path) -> None:
    """The time that a resumed process needs is another: its own rules would not stop it."""
    changes = SMALL | {"keep": "best", "minutes": 1e-4}
    run = interrupted(14, "digits-cnn", out=tmp_path, **changes)
    kept = newest_checkpoint(run / "checkpoint")
    assert kept is not None
    assert kept[0].stopped.startswith("stopped after epoch 1 of 3")
    resumed = greycard.resume(run, quiet=True)
    assert (len(resumed.history), resumed.summary.stopped) == (1, kept[0].stopped)


@pytest.mark.slow
@pytest.mark.small_project
@pytest.mark.parametrize("optimizer", [{}, EVERYTHING], ids=["rmsprop", "onecycle and ema"])
def test_resumed_equals_uninterrupted_with_several_steps_a_call_in_bfloat16(
    optimizer: dict[str, Any], interrupted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from greycard.backend import tensorflow_steps

    monkeypatch.setattr(tensorflow_steps, "_WORTH_COMPILING", 0)
    changes = SMALL | DNN | {"batch_size": 4, "precision": "bfloat16", "target_accuracy": 0.999, "patience": 2}
    changes |= optimizer | ({"patience": None} if optimizer else {})
    run = interrupted(1, "digits-cnn", out=tmp_path / "a", **changes)
    kept = newest_checkpoint(run / "checkpoint")
    assert kept is not None
    assert kept[0].steps_per_execution == kept[0].batch > 1
    resumed = greycard.resume(run, quiet=True)
    assert_same(resumed, greycard.train("digits-cnn", out=tmp_path / "b", **changes))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained run to transfer from."""
    out = tmp_path_factory.mktemp("network")
    return greycard.train("digits-cnn", out=out, epochs=1, train_limit=100, quiet=True).path


@pytest.mark.slow
def test_a_transfer_run_resumed_equals_uninterrupted(interrupted, network: Path, tmp_path: Path) -> None:
    changes = SMALL | {"conv": (), "backbone": str(network), "dense": (16,), "dropout": 0.2, "rotation_range": 10.0}
    run = interrupted(20, "digits-cnn", out=tmp_path / "a", **changes)
    assert_same(greycard.resume(run, quiet=True), greycard.train("digits-cnn", out=tmp_path / "b", **changes))


def test_a_folder_is_found_again_from_anywhere(
    images: Path, tmp_path: Path, cli, interrupted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended by the system, gone on with from another folder; a finished run holds no path."""
    monkeypatch.chdir(images.parent)
    changes = {"image_size": 32, "conv": (4,), "dense": (8,), "epochs": 2, "batch_size": 8, "quiet": True}
    run = interrupted(4, greycard.load_folder("images"), out="runs", number=signal.SIGTERM, **changes)
    run = run.absolute()
    monkeypatch.chdir(tmp_path)
    assert "unfinished: 1 of 2 epochs" in cli("table", "--out", run.parent).out
    assert f"resume it with `greycard resume {run}`" in cli("show", run).out
    page = cli("report", run).out.strip()
    assert "unfinished: 1 of 2 epochs" in Path(page).read_text()
    moved = cli("resume", run, "--data", "nowhere")
    assert (moved.code, "hint: name their folder or file with --data" in moved.err) == (2, True)
    resumed = cli("resume", run, "--quiet")
    assert (resumed.code, "images-1" in resumed.out) == (0, True)
    cli("report", run)
    cli("card", run)
    told = [path.name for path in run.rglob("*") if path.is_file() and str(images.parent).encode() in path.read_bytes()]
    assert told == ["run_args.json"]
    again = cli("resume", run)
    assert (again.code, "is finished" in again.err) == (2, True)


def test_run_resume_goes_on_and_keeps_what_is_finished(cli, interrupted, tmp_path: Path) -> None:
    few = {"epochs": 2, "train_limit": 100, "batch_size": 16}
    words = [f"--set={name}={value}" for name, value in few.items()]
    run = interrupted(5, "digits-cnn", out="runs", quiet=True, **few)
    first = cli("run", "digits-cnn", "--resume", "--quiet", *words)
    assert (first.code, greycard.open_run(run).summary.resumed) == (0, 1)
    second = cli("run", "digits-cnn", "--resume", "--quiet", *words)
    assert "is already finished" in second.err
    assert second.out == first.out
    assert cli("run", "digits-cnn", "--resume", "--quiet", "--seed=1", *words).code == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["digits-cnn-1", "digits-cnn-2"]


def test_other_images_than_it_began_with_are_refused(images: Path, interrupted, tmp_path: Path) -> None:
    changes = {"image_size": 32, "conv": (4,), "dense": (8,), "epochs": 2, "batch_size": 8, "quiet": True}
    run = interrupted(4, greycard.load_folder(images), out=tmp_path, **changes)
    (images / "train" / "dark" / "000.jpg").write_bytes((images / "train" / "light" / "000.jpg").read_bytes())
    with pytest.raises(GreycardError, match="have changed"):
        greycard.resume(run, quiet=True)
    (images / "train" / "dark" / "000.jpg").unlink()
    with pytest.raises(GreycardError, match=r"lacks 1 of the 48 images that .* such as train/dark/000\.jpg"):
        greycard.resume(run, quiet=True)
    assert not greycard.open_run(run).finished


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_says_what_is_saved_and_how_to_go_on(
    number: int, code: int, cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from greycard.backend.tensorflow_steps import TensorFlowSteps

    train = TensorFlowSteps.train

    def train_and_be_asked_to_end(self: TensorFlowSteps, images: np.ndarray, labels: np.ndarray) -> None:
        train(self, images, labels)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    monkeypatch.setattr(TensorFlowSteps, "train", train_and_be_asked_to_end)
    said = cli("run", "digits-cnn", "--quiet", "--set", "train_limit=100")
    assert said.code == code
    assert "interrupted; runs/digits-cnn-1 is saved, in epoch 1, after step 1" in said.err
    assert "hint: `greycard resume runs/digits-cnn-1` continues it" in said.err
    assert signal.getsignal(number) is before


def test_without_a_kept_state_it_begins_anew_and_says_so(interrupted, tmp_path: Path, cli) -> None:
    run = interrupted(3, "digits-cnn", out=tmp_path / "a", **SMALL)
    for kept in (run / "checkpoint").glob("*.checkpoint"):
        kept.unlink()
    said = cli("resume", run)
    assert "no checkpoint found; starting from the beginning" in said.err
    assert greycard.open_run(run).summary.resumed == 0


def test_an_interruption_never_claims_what_it_could_not_save(
    monkeypatch: pytest.MonkeyPatch, interrupted, tmp_path: Path
) -> None:
    def no_room(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(checkpointer, "write_checkpoint", no_room)
    with pytest.warns(GreycardWarning, match="was not saved"):
        run = interrupted(3, "digits-cnn", out=tmp_path, said="the state of .* could not be saved", **SMALL)
    assert newest_checkpoint(run / "checkpoint") is None


def test_another_backends_state_is_refused(interrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = interrupted(3, "digits-cnn", out=tmp_path, **SMALL)

    def of_jax(folder: Path, before_epoch: int | None = None) -> Any:
        kept = newest_checkpoint(folder, before_epoch)
        assert kept is not None
        return replace(kept[0], backend="jax"), kept[1]

    monkeypatch.setattr(checkpointer, "newest_checkpoint", of_jax)
    with pytest.raises(GreycardError, match="was started on jax; the current backend is tensorflow"):
        greycard.resume(run, quiet=True)


def test_a_disk_that_fails_for_now_costs_no_checkpoint(
    interrupted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = interrupted(14, "digits-cnn", out=tmp_path, **SMALL)
    before = sorted((run / "checkpoint").iterdir())

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(5, os.strerror(5))

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "_arrays", fails)
        with pytest.raises(OSError, match="Input/output"):
            greycard.resume(run, quiet=True)
    assert sorted((run / "checkpoint").iterdir()) == before
    assert greycard.resume(run, quiet=True).summary.resumed == 1


def test_one_process_trains_a_run(interrupted, tmp_path: Path, cli) -> None:
    run = interrupted(4, "digits-cnn", out=tmp_path, **SMALL)
    busy = RunDirectory(run)
    refused = cli("resume", run)
    assert (refused.code, "is being trained by another process" in refused.err) == (2, True)
    assert "in training" in cli("show", run).out
    busy.release()
    assert newest_checkpoint(run / "checkpoint") is not None


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_taken(interrupted, tmp_path: Path) -> None:
    run = interrupted(14, "digits-cnn", out=tmp_path / "a", **SMALL)
    last = max((run / "checkpoint").glob("*.checkpoint"))
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    (run / "checkpoint" / "999999-00000000.checkpoint").write_bytes(content)
    with pytest.warns(GreycardWarning, match="damaged .* not used"):
        resumed = greycard.resume(run, quiet=True)
    assert_same(resumed, greycard.train("digits-cnn", out=tmp_path / "b", **SMALL))


def test_a_checkpoint_of_a_newer_greycard_is_left_alone(interrupted, tmp_path: Path) -> None:
    import hashlib

    run = interrupted(3, "digits-cnn", out=tmp_path, **SMALL)
    content = b"greycard checkpoint 3\n{}\n"
    newer = run / "checkpoint" / "999999-00000000.checkpoint"
    newer.write_bytes(content + hashlib.sha256(content).digest())
    with pytest.raises(GreycardError, match="expected greycard checkpoint 2, received greycard checkpoint 3"):
        greycard.resume(run, quiet=True)
    assert newer.is_file()


def test_checkpoints_are_few_and_go_in_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checkpointer, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", 1e9)
    seen = []
    keep = checkpointer.Checkpointer._save

    def count(self: checkpointer.Checkpointer, progress: Any) -> None:
        keep(self, progress)
        seen.append(len(list(tmp_path.glob("*/checkpoint/*.checkpoint"))))

    monkeypatch.setattr(checkpointer.Checkpointer, "_save", count)
    run = greycard.train("digits-cnn", out=tmp_path, **SMALL)
    assert (max(seen), len(seen) > 10) == (3, True)
    assert not (run.path / "checkpoint").exists()


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_room(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(checkpointer, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", 1e9)
    monkeypatch.setattr(checkpointer, "write_checkpoint", no_room)
    with pytest.warns(GreycardWarning, match="a checkpoint was not saved: No space left"):
        assert greycard.train("digits-cnn", out=tmp_path, **SMALL).finished


def test_numbers_that_go_bad_stop_the_run_and_the_last_good_model_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from greycard.backend.tensorflow_steps import TensorFlowSteps

    monkeypatch.setattr(checkpointer, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpointer, "SHARE", 1e9)
    train, calls = TensorFlowSteps.train, 0

    def go_bad(self: TensorFlowSteps, images: np.ndarray, labels: np.ndarray) -> None:
        nonlocal calls
        calls += 1
        train(self, images, labels)
        if calls == 20:
            self._model.trainable_variables[0].assign(self._model.trainable_variables[0] * np.nan)

    monkeypatch.setattr(TensorFlowSteps, "train", go_bad)
    run = greycard.train("digits-cnn", out=tmp_path, **SMALL)
    assert run.summary.stopped.startswith("stopped after epoch 2 of 3: some weights became NaN or infinite")
    assert run.summary.stopped.endswith("the model is from the checkpoint after epoch 1")
    assert calls == 20
    assert np.isfinite(run.predictions["probabilities"]).all()
    assert run.summary.val_accuracy == np.mean(
        run.predictions["probabilities"].argmax(axis=1) == run.predictions["labels"]
    )
    assert all(np.isfinite(weight).all() for weight in run.model.get_weights())


def test_numbers_that_go_bad_give_back_the_best_epoch_where_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from greycard.backend.tensorflow_steps import TensorFlowSteps

    train, calls = TensorFlowSteps.train, 0

    def go_bad(self: TensorFlowSteps, images: np.ndarray, labels: np.ndarray) -> None:
        nonlocal calls
        calls += 1
        train(self, images, labels)
        if calls == 30:
            self._model.trainable_variables[0].assign(self._model.trainable_variables[0] * np.nan)

    monkeypatch.setattr(TensorFlowSteps, "train", go_bad)
    run = greycard.train("digits-cnn", out=tmp_path, keep="best", **SMALL)
    best = run.summary.kept_epoch
    assert best in (1, 2)
    assert run.summary.stopped.endswith(f"the model has the weights of epoch {best}, the best epoch before it")
    assert run.summary.val_accuracy == pytest.approx(run.history[best - 1].val_accuracy, abs=1e-6)
    assert np.isfinite(run.predictions["probabilities"]).all()


def test_a_loss_that_explodes_stops_the_run(tmp_path: Path, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointer, "_LEAST_SECONDS", 3600.0)  # on a busy machine one may be due before
    said = cli("run", "house-prices", "--set", "learning_rate=0.5", "--out", tmp_path)
    assert said.code == 0
    stopped = json.loads((tmp_path / "house-prices-1" / "summary.json").read_text())["stopped"]
    assert "the training loss exploded from" in stopped
    assert "there is no checkpoint from before that epoch" in stopped


def test_a_job_that_does_not_fit_is_refused_before_it_begins(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greycard.training.prepare.available_bytes", lambda: 1_000_000)
    refused = cli("run", "digits-cnn", "--out", tmp_path)
    assert refused.code == 2
    assert "error: training in batches of 32 needs at least" in refused.err
    assert "hint: use smaller batches" in refused.err
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("greycard.training.prepare.available_bytes", lambda: 200_000_000)
    tight = cli("run", "digits-cnn", "--out", tmp_path, "--epochs", "1", "--set", "train_limit=50")
    assert tight.code == 0
    assert "note: training in batches of 32 may need up to" in tight.err
    wide = cli("run", "digits-cnn", "--set", "dense=2000000000", "--out", tmp_path)
    assert "a dense layer of 2,000,000,000 units on" in wide.err
