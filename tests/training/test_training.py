"""Training through the API and the command line: the same twice, stopped on request, transferred."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from conftest import an_epoch, image, make_folder, pet_images, sign_language
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.evaluation.calibration import at_temperature
from greycard.pipeline.augmentation import Augmentation
from greycard.training.stopping import stopping_rules

SMALL: dict[str, Any] = {"train_limit": 320, "val_limit": 96, "quiet": True}
TINY = ("--set", "image_size=32", "--set", "conv=8", "--set", "dense=16", "--quiet")


def _numbers(run: greycard.Run) -> list[dict[str, Any]]:
    """The history without what is a time."""
    return [{key: value for key, value in epoch.to_json().items() if "seconds" not in key} for epoch in run.history]


@pytest.mark.small_project
def test_the_same_command_twice_gives_the_same_history(tmp_path: Path) -> None:
    changes = SMALL | {"epochs": 3, "rotation_range": 10.0, "dropout": 0.3}
    first, second = (greycard.train("digits-cnn", out=tmp_path, **changes) for _ in range(2))
    assert _numbers(first) == _numbers(second)
    assert np.array_equal(first.predictions["probabilities"], second.predictions["probabilities"])
    assert (first.path.name, second.path.name) == ("digits-cnn-1", "digits-cnn-2")
    other = greycard.train("digits-cnn", out=tmp_path, seed=1, **changes)
    assert _numbers(other) != _numbers(first)
    assert other.predictions["ids"].tolist() == first.predictions["ids"].tolist()  # the split has a seed of its own


def test_a_golden_history(tmp_path: Path) -> None:
    """What a seeded run does must not change unnoticed; loose enough for another processor's rounding."""
    run = greycard.train("digits-cnn", out=tmp_path, epochs=2, quiet=True)
    losses = [round(line.train_loss, 2) for line in run.history]
    assert losses == pytest.approx(GOLDEN_LOSSES, abs=0.05)


GOLDEN_LOSSES = [1.61, 0.46]


@pytest.mark.small_project
def test_a_target_on_validation_stops_training_and_says_so(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", out=tmp_path, target_accuracy=0.5, quiet=True)
    accuracies = [line.val_accuracy for line in run.history]
    assert accuracies[-1] >= 0.5
    assert all(accuracy < 0.5 for accuracy in accuracies[:-1])
    stopped = run.summary.stopped
    assert stopped.startswith(f"stopped after epoch {len(accuracies)} of 25: validation accuracy")
    assert "reached the target of 50 %" in stopped


def test_a_target_on_training(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", out=tmp_path, target_accuracy=0.6, target_split="training", **SMALL)
    assert run.history[-1].train_accuracy >= 0.6
    assert "training accuracy" in run.summary.stopped


def test_patience_stops_training_and_says_so(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", out=tmp_path, patience=2, learning_rate=0.5, epochs=30, **SMALL)
    best = min(run.history, key=lambda line: line.val_loss)
    assert len(run.history) == best.epoch + 2
    assert f"of epoch {best.epoch} for 2 epochs" in run.summary.stopped


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """A run whose accuracy jumps, and which keeps its best epoch."""
    out = tmp_path_factory.mktemp("kept")
    return greycard.train(
        "digits-cnn", out=out, keep="best", learning_rate=0.05, epochs=8, precision="float32", **SMALL
    )


def test_the_best_epoch_is_kept_and_every_figure_is_its_own(kept: greycard.Run) -> None:
    summary, best = kept.summary, max(kept.history, key=lambda line: (line.val_accuracy, -line.val_loss))
    assert (summary.kept_epoch, summary.best_epoch) == (best.epoch, best.epoch)
    figures = (summary.train_accuracy, summary.val_accuracy, summary.train_loss)
    assert figures == pytest.approx((best.train_accuracy, best.val_accuracy, best.train_loss), abs=1e-6)
    labels, probabilities = kept.predictions["labels"], kept.predictions["probabilities"]
    assert np.mean(probabilities.argmax(axis=1) == labels) == summary.val_accuracy
    whole = greycard.load_dataset("digits").validation
    images = dict(zip(whole.ids, whole.images, strict=True))
    answers = kept.predict(np.stack([images[id] for id in kept.predictions["ids"]])[..., None])
    assert [each.label for each in answers] == [kept.classes[row] for row in probabilities.argmax(axis=1)]


def test_a_kept_epoch_is_said_to_be_chosen_on_validation_wherever_the_figure_stands(kept: greycard.Run, cli) -> None:
    epoch = kept.summary.kept_epoch
    chosen = f"epoch {epoch}, the best of 8 epochs, chosen on validation"
    assert chosen in kept.card()
    assert chosen in kept.report()
    assert f"the weights are from {chosen}, so the accuracy is slightly optimistic" in cli("show", kept.path).out
    row = json.loads(cli("table", "--out", kept.path.parent, "--format", "json").out)[0]
    assert (row["kept_epoch"], row["note"].split(";")[0]) == (epoch, f"kept: {chosen}")
    assert f"@ {epoch}, kept" in cli("table", "--out", kept.path.parent, "--format", "md").out


def test_a_project_keeps_its_last_epoch(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", out=tmp_path, learning_rate=0.05, epochs=3, **SMALL)
    assert run.summary.kept_epoch is None
    assert run.summary.val_accuracy == pytest.approx(run.history[-1].val_accuracy, abs=1e-6)


def test_a_regression_keeps_the_epoch_with_the_lowest_loss(tmp_path: Path) -> None:
    run = greycard.train("house-prices", out=tmp_path, keep="best", epochs=20, quiet=True)
    lowest = min(run.history, key=lambda line: line.val_loss)
    assert run.summary.kept_epoch == lowest.epoch
    assert run.summary.val_loss == pytest.approx(lowest.val_loss, rel=1e-5)


def test_the_kept_weights_are_counted_in_the_memory_that_training_needs() -> None:
    from greycard.models.build import build_model
    from greycard.pipeline.array_split import ArraySplit
    from greycard.training.memory import expected_need

    last = greycard.Recipe.make(name="r", dataset="d", image_size=8, dense=(900,), task="binary", precision="float32")
    pixels = ArraySplit(("a", "b"), np.array([0, 1]), np.zeros((2, 8, 8, 3), np.uint8))
    model = build_model(last, 2)
    without, best = (expected_need(model, recipe, pixels, pixels) for recipe in (last, last.replace(keep="best")))
    assert best.least - without.least == 4 * model.network.count_params()
    assert best.most - without.most >= 4 * model.network.count_params()


def test_the_time_limit_ends_training_between_epochs_and_says_so(tmp_path: Path, cli) -> None:
    said = cli("train", make_folder(tmp_path / "p", ("",), ("cat", "dog"), 5), "--set", "minutes=0.0001", *TINY[:-1])
    assert said.code == 0, said.err
    assert "up to 0.0001 minutes and 100 epochs, or until 10 epochs bring no improvement" in said.err
    run = greycard.open_run("runs/p-1")
    assert len(run.history) == 1
    assert run.summary.stopped == (
        "stopped after epoch 1 of 100: another epoch would exceed the time limit of 0.0001 minutes (minutes)"
    )
    refused = cli("train", tmp_path / "p", "--set", "minutes=0", *TINY)
    assert (refused.code, "minutes must be a number above 0" in refused.err) == (2, True)


def _line(epoch: int, accuracy: float, loss: float, seconds: float = 1.0) -> Epoch:
    return an_epoch(epoch, val_accuracy=accuracy, val_loss=loss, seconds=seconds)


def _stop(recipe: greycard.Recipe, lines: list[Epoch], seconds: float = 0.0) -> str | None:
    """What the first rule says that ends training."""
    rules = stopping_rules(recipe, 100, 100, seconds)
    said = [why for line in lines for rule in rules if (why := rule(line))]
    return said[0] if said else None


def test_with_keep_best_a_rising_accuracy_is_no_plateau() -> None:
    lines = [_line(n, 0.5 + n / 20, 0.5 + n / 10) for n in range(1, 6)] + [_line(n, 0.7, 1.5) for n in range(6, 9)]
    recipe = greycard.Recipe.make(name="r", dataset="d", epochs=50, patience=3)
    assert (_stop(recipe, lines) or "").startswith("stopped after epoch 4 of 50")
    said = _stop(recipe.replace(keep="best"), lines) or ""
    assert said.startswith("stopped after epoch 8 of 50: validation loss has not fallen below 0.6000 of epoch 1 for 7")
    assert said.endswith("nor has accuracy risen above 75.00 %")


def test_the_time_limit_counts_what_was_spent_before_and_expects_the_next_epoch_to_last_as_long() -> None:
    recipe = greycard.Recipe.make(name="r", dataset="d", epochs=50, minutes=1)
    lines = [_line(n, 0.5, 0.5, 10) for n in range(1, 7)]
    assert (_stop(recipe, lines) or "").startswith("stopped after epoch 6 of 50")
    assert (_stop(recipe, lines, seconds=30) or "").startswith("stopped after epoch 3 of 50")
    assert _stop(recipe.replace(epochs=6), lines) is None  # it ends by itself


@pytest.mark.slow
def test_digits_reach_what_they_promise(tmp_path: Path) -> None:
    assert greycard.train("digits-cnn", out=tmp_path, quiet=True).summary.val_accuracy >= 0.98


def test_house_prices_read_the_line(cli) -> None:
    outcome = cli("run", "house-prices")
    assert outcome.code == 0
    assert "for 7 bedrooms it predicts 4.0" in outcome.err
    answer = float(cli("predict", "house-prices-1", "7").out.split("\t")[1])
    assert answer == pytest.approx(4, abs=0.05)
    assert cli("predict", "house-prices-1", "seven").code == 2


@pytest.mark.small_project
def test_a_folder_from_the_command_line(images: Path, cli) -> None:
    outcome = cli("train", images, "--epochs", "2", *TINY)
    assert outcome.code == 0
    assert outcome.err == ""
    assert "24 / 24" in outcome.out
    shown = cli("show", "images-1")
    assert "24 training, 24 validation" in shown.out
    assert "CNN 8, dense 16 at 32 px with augmentation; your settings: " in shown.out


def test_a_folder_in_the_data_directory(images: Path, cli) -> None:
    assert cli("train", images.name, "--data-dir", images.parent, "--epochs", "1", *TINY).code == 0


def test_the_choice_is_printed_with_its_reason(images: Path, cli) -> None:
    outcome = cli("train", images, "--epochs", "1")
    assert (
        "recipe: ResNet 16, blocks 1-0-1 from scratch at 40 px with augmentation: the images are only 40 px"
        in outcome.err
    )
    assert "; your settings: epochs=1\n" in outcome.err
    assert "epoch 1/1" in outcome.err
    for noise in ("WARNING", "I0000", "oneDNN", "cuda", "Traceback"):
        assert noise not in outcome.err


def test_unreadable_files_are_named_and_kept_in_the_summary(images: Path, cli) -> None:
    (images / "train" / "dark" / "empty.jpg").touch()
    whole = (images / "train" / "dark" / "000.jpg").read_bytes()
    (images / "validation" / "light" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    outcome = cli("train", images, "--epochs", "1", *TINY)
    assert outcome.code == 0
    assert "note: 2 files are unreadable and left out" in outcome.err
    left_out = greycard.open_run("runs/images-1").summary.left_out
    assert [item.id for item in left_out] == ["train/dark/empty.jpg", "validation/light/cut.jpg"]


def test_a_class_that_turns_out_unreadable_is_an_error(images: Path, cli) -> None:
    for file in (images / "validation" / "light").iterdir():
        file.write_bytes(file.read_bytes()[:400])
    outcome = cli("train", images, *TINY)
    assert outcome.code == 2
    assert "class 'light'" in outcome.err
    assert not Path("runs").exists()


def test_many_classes_choose_a_softmax(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "five", ("",), ("a", "b", "c", "d", "e"), 5)
    run = greycard.train(greycard.load_folder(folder), epochs=1, image_size=32, conv=(4,), out=tmp_path, quiet=True)
    assert run.recipe.data.task == "multiclass"
    assert run.predictions["probabilities"].shape == (5, 5)


@pytest.mark.parametrize("name", ["cats-dogs-25k-cnn", "cats-dogs-25k-cnn-augmented"])
def test_the_full_cats_and_dogs_rows_on_a_folder_laid_out_like_the_archive(name: str, tmp_path: Path, cli) -> None:
    data = pet_images(tmp_path / "data")
    outcome = cli("run", name, "--data-dir", data, "--epochs", "2", "--quiet")
    assert outcome.code == 0
    assert "Cat/666.jpg (the file is empty)" in outcome.err
    run = greycard.open_run(f"runs/{name}-1")
    assert (run.summary.train_images, run.summary.val_images) == (38, 4)


def test_sign_language_from_files_the_user_brings(tmp_path: Path, cli) -> None:
    data = sign_language(tmp_path / "data")
    outcome = cli("run", "sign-language-cnn", "--data-dir", data, "--epochs", "12", "--quiet")
    assert outcome.code == 0
    assert greycard.open_run("runs/sign-language-cnn-1").summary.val_accuracy > 0.5


def test_an_unfinished_run_says_so(tmp_path: Path, cli) -> None:
    run = greycard.train("digits-cnn", epochs=2, out=tmp_path, **SMALL)
    (run.path / "summary.json").unlink()
    with (run.path / "history.jsonl").open("a") as history:
        history.write('{"epoch": 3, "train_l')  # cut off while it was written
    row = json.loads(cli("table", "--out", tmp_path, "--format", "json").out)[0]
    assert (row["status"], row["epochs"], row["note"]) == ("unfinished", 2, "unfinished: 2 of 2 epochs")
    assert "unfinished" in cli("show", run.path).out


def test_a_finished_run_is_never_overwritten(tmp_path: Path) -> None:
    runs = [greycard.train("digits-cnn", epochs=1, out=tmp_path, **SMALL) for _ in range(2)]
    assert [run.path.name for run in runs] == ["digits-cnn-1", "digits-cnn-2"]


@pytest.mark.small_project
def test_transfer_from_an_earlier_run_of_ones_own(images: Path, tmp_path: Path, cli) -> None:
    first = cli("train", images, "--epochs", "2", *TINY, "--set", "name=first")
    assert first.code == 0
    outcome = cli("train", images, "--backbone", "first-1", "--epochs", "2", "--seed", "3")
    assert outcome.code == 0
    assert "the frozen features of the earlier run first" in outcome.err
    earlier, later = greycard.open_run("runs/first-1"), greycard.open_run("runs/images-1")
    taken = later.model.get_layer("backbone").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(earlier.model.get_weights(), taken, strict=False))
    assert len(taken) == 2  # the one convolution's
    assert later.predict(image(1))[0].label in ("dark", "light")
    refused = cli("train", images, "--backbone", "first-1", "--fine-tune", "all")
    assert (refused.code, "not that of the earlier run" in refused.err) == (2, True)


@pytest.mark.small_project
def test_augmentation_is_for_training_images_only(tmp_path: Path, precision: str) -> None:
    """Validation of a warped run equals a plain evaluation of its model."""
    run = greycard.train("digits-cnn", epochs=1, out=tmp_path, rotation_range=90, **SMALL)
    rows = [int(id.split("/")[1]) for id in run.predictions["ids"]]
    whole = greycard.load_dataset("digits").validation
    images = dict(zip(whole.ids, whole.images, strict=True))
    plain = run.predict(np.stack([images[f"digit/{row}"] for row in rows])[..., None])
    expected = at_temperature(run.predictions["probabilities"], run.temperature).max(axis=1)
    assert np.allclose([p.probability for p in plain], expected, atol=1e-5)


def test_train_can_be_told_not_to_transfer(images: Path, cli, real_weights: Path) -> None:
    outcome = cli("train", images, "--weights", real_weights, "--set", "backbone=none", "--epochs", "1", *TINY)
    assert outcome.code == 0, outcome.err
    assert greycard.open_run("runs/images-1").recipe.backbones == ()


def test_shear_under_one_degree_is_warned_about(tmp_path: Path) -> None:
    with pytest.warns(GreycardWarning, match=r"0\.2 degrees"):
        greycard.train("digits-cnn", epochs=1, out=tmp_path, shear_range=0.2, **SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error", GreycardWarning)
        greycard.train("digits-cnn", epochs=1, out=tmp_path, augmentation=Augmentation(shear_range=15), **SMALL)


@pytest.mark.parametrize("name", ["my pets é", "_pets", "a+b"])
def test_any_folder_name_will_do(name: str, tmp_path: Path, cli) -> None:
    folder = make_folder(tmp_path / name, ("",), ("a b", "ü"), 4)
    outcome = cli("train", folder, "--epochs", "1", *TINY)
    assert outcome.code == 0, outcome.err
    assert len(list(Path("runs").iterdir())) == 1


def test_a_dense_run_hands_on_what_it_learned(tmp_path: Path) -> None:
    first = greycard.train("digits-cnn", epochs=1, conv=(), dense=(12, 9), out=tmp_path, **SMALL)
    later = greycard.train("digits-cnn", epochs=1, conv=(), backbone=first.path, out=tmp_path, weights="none", **SMALL)
    taken = later.model.get_layer("backbone").get_weights()
    assert [value.shape for value in taken] == [(64, 12), (12,), (12, 9), (9,)]


def test_an_earlier_run_that_does_not_fit_is_a_clear_error(images: Path, tmp_path: Path, cli) -> None:
    greycard.train("digits-cnn", epochs=1, out=tmp_path, **SMALL)
    outcome = cli("train", images, "--backbone", tmp_path / "digits-cnn-1", "--set", "image_size=64")
    assert outcome.code == 2
    assert "takes images of 8×8×1; this recipe has 64×64×1" in outcome.err


def test_run_goes_on_after_a_project_that_cannot_be_trained(cli) -> None:
    outcome = cli("run", "digits-cnn", "mnist-cnn", "digits-cnn", "--epochs", "1", "--set", "train_limit=50", "--quiet")
    assert outcome.code == 2
    assert "error: mnist-cnn: MNIST is not in" in outcome.err
    assert "1 of 2 projects could not be trained: mnist-cnn" in outcome.err
    assert "digits-cnn-1" in outcome.out
    assert [path.name for path in Path("runs").iterdir()] == ["digits-cnn-1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"conv": (8, 8)}, "do not fit images of 8×8"),
        ({"task": "binary"}, "does not fit data with 10 classes"),
        ({"backbone": "MobileNetV9", "conv": None}, "MobileNetV2"),
        ({"backbone": "tests-of-nothing/run-1", "conv": None}, "keras.applications"),
        ({"backbone": "MobileNetV2", "conv": None}, "takes RGB images"),
        ({"backbone": "MobileNetV2", "conv": (8,)}, "pretrained has no field 'conv'"),
        ({"image_size": None}, "image_size must be set"),
        ({"backbone_layer": "mixed7"}, "convnet has no field 'backbone_layer'; pretrained has it"),
        ({"out": "/proc/nowhere"}, "cannot be written"),
    ],
)
def test_a_recipe_that_cannot_be_built_leaves_no_folder(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match=words):
        greycard.train("digits-cnn", weights="none", **({"out": tmp_path / "runs"} | changes | SMALL))
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("changes", [{"image_size": 64}, {"rotation_range": 3.0}, {"conv": (8,)}])
def test_numbers_take_nothing_that_is_meant_for_images(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="has numbers"):
        greycard.train("house-prices", out=tmp_path / "runs", quiet=True, **changes)


def test_a_limit_that_loses_a_class_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="train_limit=5 leaves no image of class"):
        greycard.train("digits-cnn", out=tmp_path / "runs", train_limit=5, quiet=True)
