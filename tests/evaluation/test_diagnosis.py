"""The verdict that each history deserves: synthetic ones, published ones, and those of runs made here."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import greycard
from conftest import an_epoch
from greycard.audit.facts import Shift
from greycard.core.epoch import Epoch
from greycard.evaluation.diagnosis.diagnose import diagnose
from greycard.evaluation.diagnosis.evidence import Evidence, Probe

BALANCED = (500, 500)


def history(train: Any, validation: Any, train_loss: Any = None, val_loss: Any = None) -> list[Epoch]:
    """Every epoch; losses, where none are given, fall with the accuracies."""
    train, validation = np.asarray(train, float), np.asarray(validation, float)
    losses = (1 - train if train_loss is None else train_loss, 1 - validation if val_loss is None else val_loss)
    return [
        an_epoch(n + 1, train_accuracy=t, val_accuracy=v, train_loss=tl, val_loss=vl)
        for n, (t, v, tl, vl) in enumerate(zip(train, validation, *losses, strict=True))
    ]


def curve(start: float, end: float, epochs: int, speed: float = 15.0) -> np.ndarray:
    """From one accuracy towards another, fast at first."""
    return end + (start - end) * np.exp(-speed * np.linspace(0, 1, epochs))


def evidence(lines: list[Epoch], **facts: Any) -> Evidence:
    usual = {"train_images": 2000, "val_images": 1000, "val_counts": BALANCED}
    return Evidence(history=lines, **(usual | facts))


STEADY = history(curve(0.6, 0.97, 20), curve(0.6, 0.96, 20))
RISING = history(np.linspace(0.6, 0.95, 12), np.linspace(0.6, 0.94, 12))
PLATEAU = np.concatenate([np.linspace(0.6, 0.95, 15), np.full(10, 0.94)])
PLATEAU_LOW = history(np.full(10, 0.6), np.full(10, 0.6))
PAST_BEST = history(
    np.linspace(0.66, 0.99, 15),
    np.concatenate([np.linspace(0.75, 0.83, 6), np.full(9, 0.81)]),
    None,
    np.concatenate([np.linspace(0.50, 0.44, 6), np.linspace(0.62, 1.86, 9)]),
)
RISING_LOSS = np.concatenate([np.linspace(0.69, 0.5, 15), np.linspace(0.5, 1.8, 85)])
SHIFT = Shift(auc=0.99, low=0.98, high=1.0, features=("colourfulness", "brightness"))

CASES: dict[str, tuple[Evidence, list[str]]] = {
    "steady": (evidence(STEADY), ["healthy"]),
    "overfit": (
        evidence(history(curve(0.6, 1.0, 50), curve(0.6, 0.8, 50))),
        ["overfit"],
    ),
    "overfit though augmented and pretrained": (
        evidence(history(curve(0.6, 1.0, 50), curve(0.6, 0.8, 50)), augmented=True, pretrained=True),
        ["overfit"],
    ),
    "underfit": (evidence(history(curve(0.5, 0.7, 30), curve(0.5, 0.7, 30))), ["underfit"]),
    "still rising": (evidence(RISING, val_images=10_000), ["still improving"]),
    "still rising after three epochs": (evidence(history([0.92, 0.94, 0.96], [0.90, 0.92, 0.94])), ["still improving"]),
    "still rising, with a gap": (
        evidence(history(np.linspace(0.5, 0.95, 20), np.linspace(0.4, 0.85, 20))),
        ["still improving", "overfit"],
    ),
    "still rising and far from learned": (
        evidence(history(np.linspace(0.5, 0.7, 20), np.linspace(0.5, 0.7, 20))),
        ["still improving", "underfit"],
    ),
    "ended by its time limit, still rising": (
        evidence(RISING, epochs_planned=100, patience=10, minutes=10.0),
        ["still improving"],
    ),
    "ended by its target, still rising": (evidence(RISING, target_reached=True), ["healthy"]),
    "ended by its plateau": (
        evidence(history(PLATEAU, PLATEAU), epochs_planned=100, patience=10, minutes=10.0),
        ["healthy"],
    ),
    "good already": (evidence(history(np.linspace(0.7, 0.99, 12), np.linspace(0.7, 0.985, 12))), ["healthy"]),
    "past its best, kept": (evidence(PAST_BEST, kept_epoch=6, train_accuracy_after=0.91), ["overfit"]),
    "jumping": (
        evidence(history(curve(0.6, 0.97, 20), [*curve(0.6, 0.95, 10), *([0.95, 0.80] * 5)])),
        ["overfit", "unstable"],
    ),
    "dropped": (
        evidence(history(np.full(10, 0.92), [*np.linspace(0.7, 0.93, 6), 0.9, 0.88, 0.86, 0.85]), train_images=50_000),
        ["overfit", "unstable"],
    ),
    "diverged": (
        evidence(history([0.6, 0.5, 0.5], [0.6, 0.5, 0.5], [0.7, None, None], [0.7, None, None])),
        ["diverged"],
    ),
    "chance": (
        evidence(history(np.full(10, 0.5), np.full(10, 0.5)), right_counts=(500, 0)),
        ["learned nothing", "underfit"],
    ),
    "a class is lost": (
        evidence(STEADY, val_counts=(480, 480, 40), right_counts=(475, 475, 1)),
        ["class not learned"],
    ),
    "a class of three images is lost": (
        evidence(STEADY, val_counts=(499, 498, 3), right_counts=(480, 480, 0), leaks=1),
        ["class not learned", "leakage"],
    ),
    "one image that may be wrong by chance": (
        evidence(history(np.full(9, 0.8), np.full(9, 0.79)), val_counts=(500, 499, 1), right_counts=(400, 390, 0)),
        ["underfit"],
    ),
    "imbalanced": (
        evidence(STEADY, train_counts=(1900, 100), val_counts=(700, 300)),
        ["imbalanced"],
    ),
    "leakage": (evidence(STEADY, leaks=30, leak_example=("validation/1", "train/7")), ["leakage"]),
    "shifted": (evidence(STEADY, shift=SHIFT), ["shifted"]),
    "not shifted for certain": (evidence(STEADY, shift=replace(SHIFT, auc=0.75, low=0.62)), ["healthy"]),
    "few images": (
        evidence(STEADY, val_images=60, val_counts=(30, 30)),
        ["few validation images"],
    ),
    "too sure": (evidence(STEADY, calibration_error=0.15, temperature=2.2), ["too sure"]),
    "too doubtful": (evidence(STEADY, calibration_error=0.15, temperature=0.4), ["too doubtful"]),
    "doubtful on purpose": (
        evidence(STEADY, calibration_error=0.15, temperature=0.4, soft_labels=True),
        ["healthy"],
    ),
    "too sure in spite of soft labels": (
        evidence(STEADY, calibration_error=0.15, temperature=2.2, soft_labels=True),
        ["too sure"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_history_gets_its_verdicts_in_order(case: str) -> None:
    given, expected = CASES[case]
    found = diagnose(given)
    assert [verdict.name for verdict in found] == expected
    assert all(verdict.sentence and verdict.next_step for verdict in found)


def _published_25k_augmented() -> Evidence:
    """Trained and validated on augmented images, 73.9 % in training and still rising, 70 % in validation."""
    return evidence(
        history(np.linspace(0.6, 0.739, 15), np.linspace(0.58, 0.70, 15)),
        train_images=22_500,
        val_images=2_500,
        augmented=True,
        validation_augmented=True,
        val_counts=(1250, 1250),
    )


def _published_horses_augmented() -> Evidence:
    """88.7 % in epoch 1, drifting to 63.3 % while validation loss rises, on 256 images of another background."""
    drift = np.concatenate([[0.887], np.linspace(0.85, 0.633, 99)])
    return evidence(
        history(curve(0.6, 0.954, 100), drift, None, np.linspace(0.4, 2.5, 100)),
        train_images=1027,
        val_images=256,
        augmented=True,
        val_counts=(128, 128),
        shift=SHIFT,
    )


def _published_cats_dogs() -> Evidence:
    return evidence(history(curve(0.5, 1.0, 100), curve(0.5, 0.75, 100), None, RISING_LOSS))


def test_what_the_published_notes_should_have_said() -> None:
    names = {verdict.name for verdict in diagnose(_published_25k_augmented())}
    assert {"validation augmented", "still improving"} <= names
    names = {verdict.name for verdict in diagnose(_published_horses_augmented())}
    assert {"shifted", "unstable", "few validation images"} <= names
    first = diagnose(_published_cats_dogs())[0]
    assert first.name == "overfit"
    assert "validation loss is lowest in epoch 15 (0.50) and ends at 1.80" in first.sentence
    assert "transfer learning" in first.next_step


def test_the_next_step_is_one_that_was_not_taken_yet() -> None:
    overfit = history(curve(0.6, 1.0, 50), curve(0.6, 0.8, 50))
    here = {"network": "MobileNetV2"}
    facts: list[dict[str, Any]] = [here, {}, {"augmented": True}, here | {"pretrained": True}, here | {"tiny": True}]
    steps = [diagnose(evidence(overfit, **each))[0].next_step for each in facts]
    assert [step.split()[0] for step in steps] == ["transfer", "augment", "add", "add", "augment"]
    assert "--backbone MobileNetV2`" in steps[0]
    assert '`pip install "greycard[pretrained]"` (downloads' in steps[1]  # said last, and that it needs a connection
    assert "--backbone EfficientNetLite0`" in steps[1]
    assert "transfer" not in steps[3] + steps[4]


def test_more_epochs_are_advised_as_long_as_they_may_help_and_only_then() -> None:
    rising: dict[str, Any] = {"epochs_planned": 100, "patience": 10, "command": "greycard train pets"}
    assert diagnose(evidence(RISING))[0].next_step.endswith("--epochs 24`")
    limited = diagnose(evidence(RISING, minutes=10.0, **rising))[0]
    assert limited.next_step == "give it more time: `greycard train pets --set minutes=20`"
    assert "when the time was over" in limited.sentence
    for case in ("past its best, kept", "ended by its plateau", "good already", "ended by its target, still rising"):
        assert not [v for v in diagnose(CASES[case][0]) if "--epochs" in v.next_step or "--minutes" in v.next_step]


def test_a_run_past_its_best_is_overfit_and_its_best_epoch_named() -> None:
    verdict = diagnose(CASES["past its best, kept"][0])[0]
    assert "83.0 % (80.5 to 85.2 %) on validation" in verdict.sentence  # what is kept, not the last epoch
    assert "highest in epoch 6 (83.0 %), whose weights are kept" in verdict.sentence
    assert "lowest in epoch 6 (0.44) and ends at 1.86" in verdict.sentence


def test_a_class_that_is_never_right_is_named_with_its_counts() -> None:
    classes: dict[str, Any] = {
        "val_counts": (499, 498, 3),
        "right_counts": (480, 480, 0),
        "classes": ("a", "b", "rare"),
    }
    verdict = diagnose(evidence(STEADY, **classes, train_counts=(900, 900, 12), run="pets-1"))[0]
    assert "rare (0 of 3 validation images right)" in verdict.sentence
    assert verdict.next_step == (
        "rare has 12 training images, and the largest class 900: give all classes the same weight:"
        " `greycard train FOLDER --set balance=weights`, or add images of the small classes"
    )
    verdict = diagnose(evidence(STEADY, **classes, run="pets-1"))[0]
    assert "`greycard show pets-1`" in verdict.next_step
    lost = CASES["chance"][0]
    assert "never right: class 1 (0 of 500 validation images right)" in diagnose(lost)[0].sentence


@pytest.mark.parametrize("command", ["greycard train pets", "greycard run digits-cnn"])
def test_advice_can_be_typed_as_it_stands(command: str) -> None:
    """No dots to fill in, and every command and option is one that there is."""
    from greycard.cli.main import cli

    for given, _ in CASES.values():
        for verdict in diagnose(replace(given, command=command)):
            assert "…" not in verdict.next_step
            for words in re.findall(r"`greycard ([^`]*)`", verdict.next_step):
                name, *rest = words.split()
                options = {word for option in cli.commands[name].params for word in option.opts}
                assert {word for word in rest if word.startswith("--")} <= options


PROBE = Probe(("EfficientNetLite0",), None, "flip")
WEAK, GAP = history([0.6], [0.6]), history([1.0], [0.8])


@pytest.mark.parametrize(
    ("probe", "lines", "command", "words"),
    [
        (PROBE, WEAK, "greycard train pets", "greycard train pets --set width=4 --fine-tune all`"),
        (PROBE, WEAK, "greycard run p", "--set fine_tune=all --set learning_rate=0.0001`"),
        (replace(PROBE, backbones=("A", "B")), WEAK, "greycard train pets", "--set backbones=A --fine-tune all`"),
        (replace(PROBE, fine_tune="last"), PLATEAU_LOW, "greycard train pets", "--fine-tune all`"),
        (replace(PROBE, fine_tune="all"), PLATEAU_LOW, "greycard train pets", "`greycard check FOLDER`"),
        (PROBE, GAP, "greycard train pets", "--set views=crops`"),
        (replace(PROBE, views="crops"), GAP, "greycard train pets", "add training images"),
        (PROBE, history([0.5], [0.5]), "greycard train pets", "--fine-tune all`, and look whether the labels"),
    ],
)
def test_a_probe_is_advised_what_a_probe_can_do(probe: Probe, lines: list[Epoch], command: str, words: str) -> None:
    """More epochs, another rate, dropout or a dense layer would replace it by another head."""
    given = evidence(
        lines, probe=probe, pretrained=True, epochs_planned=len(lines), command=command, options=("--set width=4",),
        right_counts=(400, 400),
    )  # fmt: skip
    found = diagnose(given)
    assert found[0].name != "healthy"
    assert words in found[0].next_step
    for verdict in found:
        assert not re.search(r"--epochs|dropout|dense|learning_rate=(?!0.0001)", verdict.next_step)


def test_advice_keeps_the_options_that_made_the_run() -> None:
    options = ("--weights none", "--set epochs=12", "--set width=24", "--set rotation_range=40")

    def step(lines: list[Epoch], **facts: Any) -> str:
        given = evidence(lines, options=options, command="greycard train pets", **facts)
        return diagnose(given)[0].next_step

    kept = "greycard train pets --weights none --set width=24 --set rotation_range=40 --epochs 24`"
    assert step(RISING).endswith(kept)
    less = step(PLATEAU_LOW, augmented=True, tiny=True)
    assert less == (
        "augment less: `greycard train pets --weights none --set epochs=12 --set width=24 --set augmentation=none`"
    )
    larger = step(PLATEAU_LOW, tiny=True, larger="width=48")
    assert "--set width=48`" in larger
    assert "width=24" not in larger
    transfer = step(PLATEAU_LOW, network="MobileNetV2")
    assert transfer == "transfer learning: `greycard train pets --backbone MobileNetV2`"


def test_options_are_those_that_were_typed(tmp_path) -> None:
    from greycard.recipe.settings import parse_settings
    from greycard.runs.run_args import options_of

    changes = {"width": 24, "blocks": (1, 0), "name": "my pets", "augmentation": None, "optimizer.kind": "sgd"}
    words = shlex.split(" ".join(options_of(tmp_path / "my w.h5", "runs/pets-1", changes)))
    assert words[:4] == ["--weights", "my w.h5", "--backbone", "pets-1"]
    assert parse_settings(words[5::2]) == changes
    turned = options_of(None, None, {"augmentation": greycard.Augmentation(rotation_range=20)})
    assert parse_settings(each.removeprefix("--set ") for each in turned)["rotation_range"] == 20


def test_a_run_from_scratch_is_advised_from_scratch(images, cli, tmp_path) -> None:
    """Whatever weights are on the machine: the command is for the network that was trained."""
    words = ("--weights", "none", "--epochs", "1", "--set", "width=4", "--set", "blocks=1", "--set", "image_size=16")
    assert cli("train", images, *words, "--quiet", "--out", tmp_path).code == 0
    run = greycard.open_run(tmp_path / "images-1")
    step = next(verdict.next_step for verdict in run.diagnose() if "greycard train" in verdict.next_step)
    assert "greycard train images --weights none --set epochs=1 --set width=4 --set blocks=1" in step
    assert [verdict.next_step for verdict in run.summary.diagnosis] == [each.next_step for each in run.diagnose()]


def test_figures_are_quoted() -> None:
    verdict = diagnose(CASES["leakage"][0])[0]
    assert "30 of 1,000 validation images (3.0 %)" in verdict.sentence
    assert "validation/1 is also train/7" in verdict.sentence


def test_a_run_is_diagnosed_and_says_so_everywhere(images, cli, tmp_path) -> None:
    for number in range(3):  # three of the validation images are in training
        source = images / "train" / "dark" / f"{number:03}.jpg"
        (images / "validation" / "dark" / f"copy{number}.jpg").write_bytes(source.read_bytes())
    trained = cli("train", images, "--epochs", "2", "--set", "image_size=32", "--weights", "none", "--out", tmp_path)
    assert trained.code == 0, trained.err
    assert "3 of 27 validation images also in training" in trained.err
    assert "leakage" in trained.out
    said = cli("diagnose", tmp_path / "images-1")
    assert said.out.splitlines()[1].startswith("  leakage: 3 of 27 validation images")
    assert "leakage" in cli("show", tmp_path / "images-1").out
    assert greycard.open_run(tmp_path / "images-1").summary.diagnosis[0].name == "leakage"
    assert '"name": "leakage"' in cli("diagnose", tmp_path / "images-1", "--format", "json").out


def test_a_regression_has_no_diagnosis(cli, tmp_path) -> None:
    cli("run", "house-prices", "--epochs", "2", "--quiet", "--out", tmp_path)
    refused = cli("diagnose", tmp_path / "house-prices-1")
    assert refused.code == 2
    assert "regression" in refused.err


def test_a_run_whose_numbers_went_bad_is_finished_and_says_so(images, cli, tmp_path) -> None:
    words = (
        "--epochs",
        "2",
        "--set",
        "image_size=16",
        "--set",
        "conv=none",
        "--set",
        "dense=8",
        "--set",
        "optimizer=sgd",
    )
    worse = ("--set", "learning_rate=1e30", "--set", "augmentation=none", "--weights", "none", "--out", tmp_path)
    trained = cli("train", images, *words, *worse)
    assert trained.code == 0, trained.err
    said = cli("diagnose", tmp_path / "images-1")
    assert said.out.splitlines()[1].startswith("  diverged: ")
    assert cli("show", tmp_path / "images-1").code == 0
    assert cli("report", tmp_path / "images-1").code == 0


def test_an_unfinished_run_says_that_it_is(images, cli, tmp_path) -> None:
    cli("train", images, "--epochs", "1", "--set", "image_size=16", "--weights", "none", "--out", tmp_path)
    for name in ("summary.json", "predictions.npz"):
        (tmp_path / "images-1" / name).unlink()
    refused = cli("diagnose", tmp_path / "images-1")
    assert refused.code == 2
    assert "unfinished" in refused.err


def test_a_target_that_is_missed_is_told_of_and_a_regression_has_none(images, cli, tmp_path) -> None:
    words = ("--epochs", "1", "--set", "image_size=16", "--weights", "none", "--out", tmp_path)
    said = cli("train", images, "--target-accuracy", "1", "--set", "target_uses_lower_bound=true", *words)
    assert "the target of 100 % validation accuracy was not reached in 1 epoch; the best was" in said.err
    assert cli("run", "house-prices", "--epochs", "2", "--target-accuracy", "0.9", "--out", tmp_path).code == 0


def test_time_that_ends_a_training_without_an_accuracy() -> None:
    """Several labels per image have none; the losses say whether it still improved."""
    falling, flat = ([an_epoch(n, val_accuracy=None, val_loss=loss) for n, loss in enumerate(losses, 1)]
                     for losses in ((0.7, 0.6, 0.5), (0.5, *[0.6] * 12)))  # fmt: skip
    assert evidence(falling, minutes=1.0, epochs_planned=30).time_ended_it
    assert not evidence(flat, minutes=1.0, epochs_planned=30).time_ended_it
