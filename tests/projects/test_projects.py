"""One check suite for every project, and the twelve rows held against the published recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from greycard.core.run_format import SCHEMA
from greycard.datasets.catalog import entry
from greycard.datasets.dataset import Dataset, Split
from greycard.models.build import build_model
from greycard.pipeline.augmentation import Augmentation
from greycard.projects import projects
from greycard.recipe import Recipe
from variants import quick_are

ALL = {project.name: project for project in projects()}
TABLE = list(ALL)[:12]
AUGMENTED = Augmentation(
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=0.2,
    zoom_range=0.2,
    horizontal_flip=True,
)
# A transfer row with a network that is quick to build; the rows' own is tested in test_real.py.
QUICK_BACKBONE = {"backbone": "MobileNet", "backbone_layer": "conv_pw_3_relu", "backbone_alpha": 0.25}


def _tiny(recipe: Recipe) -> Dataset:
    """Twelve training and six validation images of noise, in as many classes as the project has."""
    classes = entry(recipe.data.dataset).classes or ("a", "b", "c")
    rng = np.random.default_rng(0)

    def split(part: str, count: int) -> Split:
        labels = np.arange(count) % min(len(classes), 3)
        shape = (count, *(recipe.data.image_size or ()), *((3,) if recipe.data.channels == 3 else ()))
        images = np.clip(rng.integers(0, 90, shape) + 60 * labels.reshape(-1, *[1] * (len(shape) - 1)), 0, 255)
        return Split(tuple(f"{part}/{n}" for n in range(count)), labels, images.astype(np.uint8))

    return Dataset(recipe.data.dataset, classes, split("train", 12), split("val", 6))


@pytest.mark.parametrize("name", quick_are(ALL.keys() - {"horses-humans-transfer"}, ALL))
@pytest.mark.filterwarnings("ignore::greycard.core.errors.GreycardWarning")
def test_every_project_runs_and_leaves_a_whole_run(name: str, tmp_path: Path) -> None:
    recipe = ALL[name].recipe
    changes: dict[str, Any] = {"epochs": 2, "target_accuracy": None} | (QUICK_BACKBONE if recipe.pretrained else {})
    dataset = None if recipe.data.image_size is None else _tiny(recipe)
    if name in ("cats-dogs-3k-cnn", "horses-humans-cnn", "horses-humans-cnn-augmented"):
        changes |= {"dense": (8,)}
    run = greycard.train(recipe.replace(**changes), dataset, weights="none", out=tmp_path, quiet=True)
    _expect_whole(run)
    row = greycard.runs_table([run]).rows[0]
    assert (row.project, row.status, row.epochs) == (name, "finished", 2)
    if recipe.data.image_size is None:
        assert len(run.predict_numbers([7])) == 1
    else:
        size = recipe.data.image_size or (1, 1)
        prediction = run.predict(np.zeros((*size, recipe.data.channels), np.uint8))[0]
        assert prediction.label in run.classes
        assert prediction.probabilities is not None
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)


def _expect_whole(run: greycard.Run) -> None:
    """The files that the run format promises, each with what it promises (docs/runs.md)."""
    names = {path.name for path in run.path.iterdir()}
    assert names == {
        "recipe.json",
        "environment.json",
        "labels.json",
        "split.npz",
        "run_args.json",
        "choices.json",
        "history.jsonl",
        "predictions.npz",
        "model.keras",
        "model.json",
        "summary.json",
        *(["mistakes.npz", "rejection.npz"] if run.task.has_classes else []),
    }
    for name in names:
        if name.endswith(".json"):
            assert json.loads((run.path / name).read_text())["schema"] == SCHEMA
    assert Recipe.from_json(run.recipe.to_json()) == run.recipe
    summary = run.summary
    assert len(run.history) == summary.epochs
    assert [epoch.epoch for epoch in run.history] == list(range(1, summary.epochs + 1))
    assert len(run.predictions["ids"]) == len(run.predictions["labels"]) == summary.val_images
    if run.task.has_classes:
        correct = run.predictions["probabilities"].argmax(axis=1) == run.predictions["labels"]
        assert correct.mean() == pytest.approx(summary.val_accuracy, abs=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_every_project_says_what_it_teaches(name: str) -> None:
    project = ALL[name]
    assert "Teaches" in project.teaches
    assert project.recipe.name == name
    assert Recipe.from_json(project.recipe.to_json()) == project.recipe


MNIST = {"image_size": (28, 28), "channels": 1, "optimizer": "adam", "learning_rate": 1e-3, "batch_size": 32}
HORSES = {"image_size": (300, 300), "conv": (16, 32, 64, 64, 64), "dense": (512,), "batch_size": 128}
CATS = {"image_size": (150, 150), "conv": (32, 64, 128, 128), "dense": (512,), "learning_rate": 1e-4, "batch_size": 20}
FULL = {"conv": (16, 32, 64), "dense": (512,), "learning_rate": 1e-3, "batch_size": 10, "val_fraction": 0.1}
TRANSFER = {
    "image_size": (150, 150),
    "backbone": "InceptionV3",
    "backbone_layer": "mixed7",
    "dense": (1024,),
    "dropout": 0.2,
    "optimizer": "rmsprop",
    "learning_rate": 1e-4,
    "augmentation": AUGMENTED,
}
PUBLISHED: dict[str, dict[str, Any]] = {
    "fashion-mnist-dnn": MNIST | {"dense": (512, 512), "conv": (), "epochs": 50, "augmentation": None},
    "fashion-mnist-cnn": MNIST | {"dense": (512,), "conv": (64, 64), "epochs": 50},
    "mnist-dnn": MNIST | {"dense": (512, 512), "conv": (), "epochs": 50},
    "mnist-cnn": MNIST | {"dense": (512,), "conv": (64, 64), "epochs": 50},
    "horses-humans-cnn": HORSES | {"learning_rate": 1e-3, "epochs": 50, "augmentation": None, "val_batch_size": 32},
    "horses-humans-cnn-augmented": HORSES | {"learning_rate": 1e-4, "epochs": 100, "augmentation": AUGMENTED},
    "horses-humans-transfer": TRANSFER | {"batch_size": 5, "epochs": 10},
    "cats-dogs-3k-cnn": CATS | {"epochs": 100, "augmentation": None, "optimizer": "rmsprop"},
    "cats-dogs-3k-cnn-augmented": CATS | {"epochs": 100, "augmentation": AUGMENTED},
    "cats-dogs-3k-transfer": TRANSFER | {"batch_size": 20, "epochs": 20},
    "cats-dogs-25k-cnn": FULL | {"epochs": 15, "augmentation": None, "optimizer": "rmsprop"},
    "cats-dogs-25k-cnn-augmented": FULL | {"epochs": 15, "augmentation": AUGMENTED},
    "sign-language-cnn": {"conv": (32, 64), "dense": (512,), "optimizer": "adam", "batch_size": 64, "epochs": 20},
    "rock-paper-scissors-cnn": {
        "image_size": (150, 150),
        "conv": (64, 64, 128, 128),
        "feature_dropout": 0.5,
        "dense": (512,),
        "optimizer": "rmsprop",
        "batch_size": 126,
        "epochs": 25,
    },
    "happy-sad-cnn": {"image_size": (150, 150), "target_accuracy": 0.999, "target_split": "training"},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipes_are_as_published(name: str) -> None:
    recipe = ALL[name].recipe
    assert recipe.replace(**PUBLISHED[name]) == recipe


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("fashion-mnist-dnn", 784 * 512 + 512 + 512 * 512 + 512 + 5_130),
        ("mnist-cnn", 640 + 36_928 + 1_600 * 512 + 512 + 5_130),
        ("horses-humans-cnn", 1_704_097),  # as Keras prints it for the published notebook
        ("cats-dogs-3k-cnn", 3_453_121),  # likewise
        ("cats-dogs-25k-cnn", 448 + 4_640 + 18_496 + 17 * 17 * 64 * 512 + 512 + 513),
    ],
)
def test_parameter_counts_are_the_published_networks(name: str, parameters: int) -> None:
    recipe = ALL[name].recipe
    classes = len(entry(recipe.data.dataset).classes) or 2
    assert build_model(recipe, classes).network.count_params() == parameters


def test_the_table_has_its_twelve_rows_and_their_figures() -> None:
    seconds = 0.0
    for name in TABLE:
        published = ALL[name].published
        assert published is not None
        assert published.epochs == ALL[name].recipe.training.epochs
        seconds += (published.seconds_per_epoch or 0) * (published.epochs or 0)
    assert seconds == 11_120


def test_projects_command_shows_what_there_is(cli, tmp_path: Path) -> None:
    outcome = cli("projects", "--data-dir", tmp_path)
    assert outcome.code == 0
    lines = {line.split()[0]: line for line in outcome.out.splitlines() if line and line.split()[0] in ALL}
    assert lines.keys() == ALL.keys()
    assert "missing" in lines["mnist-cnn"]
    assert "99.31 %" in lines["mnist-cnn"]
    assert "here" in lines["digits-cnn"]


def test_projects_command_says_what_one_teaches(cli) -> None:
    outcome = cli("projects", "cats-dogs-3k-cnn-augmented")
    assert "Teaches augmentation" in outcome.out
    assert "79.6 %" in outcome.out


@pytest.mark.parametrize(
    ("name", "meant"),
    [("mnist-rnn", "mnist-cnn"), ("cats-dog-3k-cnn", "cats-dogs-3k-cnn"), ("mnist-60-minute", "mnist-60-minutes")],
)
def test_an_unknown_project_names_its_neighbours(cli, name: str, meant: str) -> None:
    """Records are trained by their names, too."""
    outcome = cli("run", name)
    assert outcome.code == 2
    assert meant in outcome.err.split("did you mean ")[1].rstrip("?\n").split(", ")


def test_a_folder_in_the_place_of_a_project_is_pointed_to_what_trains_on_it(cli, tmp_path: Path) -> None:
    outcome = cli("run", str(tmp_path))
    assert outcome.code == 2
    assert f"hint: train on a folder of images with `greycard train {tmp_path}`" in outcome.err


def test_a_thirteenth_row_is_one_small_function(tmp_path: Path) -> None:
    def digits_dnn() -> Recipe:
        return greycard.project("digits-cnn").replace(name="digits-dnn", conv=(), dense=(64,))

    run = greycard.train(digits_dnn(), out=tmp_path, epochs=1, train_limit=200, quiet=True)
    assert run.path.name == "digits-dnn-1"
    assert run.summary.train_images == 200
