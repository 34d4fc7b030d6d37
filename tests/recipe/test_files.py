"""A recipe is a file that people can share: YAML and JSON, written, read and run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from strategies import recipes

import greycard
from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.recipe.files import as_yaml
from greycard.recipe.model import ConvNetConfig, MlpConfig
from greycard.recipe.yaml_text import read_yaml, yaml_value

SMALL = "name: small\ndata: {dataset: digits, image_size: 8, channels: 1, train_limit: 100, val_limit: 50}\n"


@given(recipes)
def test_yaml_gives_back_an_equal_recipe(recipe: Recipe) -> None:
    text = as_yaml(recipe)
    assert Recipe.from_json(read_yaml(text)) == recipe
    assert set(yaml.safe_load(text)) == set(recipe.to_json())  # other programs can read it


@pytest.mark.parametrize("broken", ["\n", "\r", "\x85", "\u2028", "\u2029", "a\x85b", "x\u2028 y"])
def test_every_line_break_in_a_text_comes_back_from_one_line(broken: str) -> None:
    written = yaml_value(broken)
    assert len(written.splitlines()) == 1
    assert read_yaml(written) == yaml.safe_load(written) == broken


@pytest.mark.parametrize("name", ["r.yaml", "r.yml", "r.json", "R.YAML"])
def test_a_file_gives_back_an_equal_recipe_and_is_never_replaced(name: str) -> None:
    recipe = greycard.project("horses-humans-transfer")
    place = recipe.save(name)
    assert Recipe.load(place) == Recipe.load(str(place)) == recipe
    assert recipe.save(name) == place
    with pytest.raises(GreycardError, match="nothing was overwritten"):
        recipe.replace(epochs=3).save(name)
    assert Recipe.load(place) == recipe


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("name: no", "name", "no"),
        ('name: "1"', "name", "1"),
        ("name: r\noptimizer: {learning_rate: 1e-3}", "learning_rate", 0.001),
        ("name: r\ntraining: {seed: 010}", "seed", 10),
        ("name: r\naugmentation: none", "augmentation", None),
        ("name: r\naugmentation: {horizontal_flip: True}", "horizontal_flip", True),
        ("name: r\nmodel: {backbone: none, dense: 8}", "dense", (8,)),
        ("name: r\ntraining:\n", "epochs", 10),
        ("\ufeffname: r", "name", "r"),
    ],
)
def test_yaml_means_what_people_mean(text: str, field: str, value: object) -> None:
    Path("r.yaml").write_text(f"{text}\ndata: {{dataset: d}}\n", encoding="utf-8")
    assert Recipe.load("r.yaml").settings()[field] == value


def test_a_file_need_not_name_the_family() -> None:
    Path("r.yaml").write_text("name: r\ndata: {dataset: d}\nmodel: {conv: [8, 16]}\n")
    assert Recipe.load("r.yaml").model == ConvNetConfig(conv=(8, 16))


DATA = "name: r\ndata: {dataset: d}\n"


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (DATA + "training: {epochs: 0}", "training: epochs must be .* Received: 0", "for example epochs: 10"),
        (DATA + "training: {epochs: '5'}", "epochs must be .* Received: '5'", "epochs: 10"),
        (DATA + "augmentation: no", "augmentation must have fields. Received: 'no'", "rotation_range"),
        (DATA + "augmentation: {horizontal_flip: yes}", "must be true or false. Received: 'yes'", ": true"),
        (DATA + "model:\n  conv: 32,64", "conv must be whole numbers .* Received: '32,64'", r"conv: \[32, 64\]"),
        (DATA + "model: {kind: mlp, conv: [8]}", "mlp has no field 'conv'; convnet has it", "kind: convnet"),
        (DATA + "model: {kind: resnt}", "kind must be one of mlp, convnet", "resnet"),
        (DATA + "model: {kind: pretrained}", "needs a backbone", "backbone"),
        (DATA + "training: {epoch: 5}", "no field 'training.epoch'", "training.epochs"),
        (DATA + "trainng: {epochs: 5}", "no field 'trainng'", "training"),
        (DATA + "epochs: 5", "no field 'epochs'", "training.epochs"),
        (DATA + "training: [1]", r"training must have fields. Received: \[1\]", "epochs"),
        (DATA + "1: 2", "no field 1", "greycard recipe"),
        ("data: {dataset: d}", "needs a name", "name: pets"),
        ("name: r", "needs a dataset", "dataset: pets"),
        ("name: 5\ndata: {dataset: d}", "name must be a name. Received: 5", "name: pets"),
        ("name: r\nname: s", "line 2: 'name' appears twice", "greycard recipe"),
        ("a: &x [*x]", "line 1: a recipe has no aliases", ""),
        ("a: [", "line 1", ""),
        ("!!python/object:os.system {}", "line 1", ""),
        ("- a", "is not a recipe.* Received: list", ""),
        ("", "is not a recipe.* Received: nothing", ""),
        ("schema: 1\nname: r\nconv: [8]", "has recipe format 1; this Greycard reads format 2", ""),
        ("[" * 10_000, "cannot be read", ""),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence_with_file_and_field(text: str, says: str, hint: str) -> None:
    Path("r.yaml").write_text(text)
    with pytest.raises(GreycardError, match=rf"^r\.yaml.*{says}") as error:
        Recipe.load("r.yaml")
    assert "\n" not in error.value.args[0]
    assert re.search(hint, error.value.hint)


@pytest.mark.parametrize("text", ['{"name": "r", "name": "s"}', "{", "[]", '{"a": ' * 100_000, b"\xff\xfe"])
def test_a_damaged_json_file_is_one_sentence(text: str | bytes) -> None:
    Path("r.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(GreycardError, match=r"^r\.json "):
        Recipe.load("r.json")


def test_a_missing_file_and_another_ending_are_named() -> None:
    Path("recipe.yaml").write_text(SMALL)
    with pytest.raises(GreycardError, match=r"recipee.yaml does not exist") as error:
        Recipe.load("recipee.yaml")
    assert error.value.hint == "did you mean recipe.yaml?"
    with pytest.raises(GreycardError, match=r"must end in .yaml, .yml, .json. Received: r.txt"):
        Recipe.load("r.txt")


def test_recipe_prints_what_run_runs(cli, tmp_path: Path) -> None:
    words = ("--set", "train_limit=100", "--set", "val_limit=50", "--set", "model=mlp", "--set", "epochs=1")
    said = cli("recipe", "digits-cnn", *words)
    assert re.match(r"# DNN .*, 1 epoch on digits\n", said.out)
    Path("mine.yaml").write_text(said.out)
    trained = cli("run", "mine.yaml", "--quiet", "--set", "dense=4", "--out", tmp_path)
    assert trained.code == 0, trained.err
    run = greycard.open_run(tmp_path / "digits-cnn-1")
    assert run.recipe.model == MlpConfig(dense=(4,), dropout=0.2)
    assert run.recipe.training.epochs == len(run.history) == 1
    again = cli("run", "mine.yaml", "--resume", "--set", "dense=4", "--out", tmp_path)
    assert "digits-cnn-1 is already finished" in again.err
    printed = cli("recipe", run.path, "--format", "json").out
    assert Recipe.from_json(json.loads(printed)) == run.recipe == Recipe.load(run.path / "recipe.json")


def test_train_takes_a_file_whose_dataset_is_a_folder(images: Path) -> None:
    fields = {"name": "mine", "data": {"dataset": str(images), "image_size": 12}, "training": {"epochs": 1}}
    Path("recipe.json").write_text(json.dumps(fields))
    run = greycard.train("recipe.json", out="out", quiet=True)
    assert (run.path.name, run.recipe.data.task, run.recipe.data.dataset) == ("mine-1", "binary", images.name)
    assert Recipe.load("recipe.json").matches_resolved(run.recipe)


def test_a_run_of_an_older_format_is_refused_with_one_sentence(cli, tmp_path: Path) -> None:
    run = tmp_path / "old-1"
    run.mkdir()
    (run / "recipe.json").write_text(json.dumps({"schema": 1, "name": "old", "dataset": "digits", "epochs": 3}))
    _expect_refused(cli("resume", run))
    for name in ("summary", "labels", "environment"):
        (run / f"{name}.json").write_text(json.dumps({"schema": 1}))
    for word in ("show", "report", "recipe", "card", "diagnose", "table"):
        _expect_refused(cli(word, run))


def _expect_refused(said) -> None:
    assert said.code == 2
    assert "run format 1; this Greycard reads format 2" in said.err
    assert len(said.err.strip().splitlines()) == 2, said.err
