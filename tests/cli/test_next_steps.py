"""What training advises next works when it is typed, in the folder and with the names that are there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from conftest import make_folder

TINY = ("--epochs", "1", "--set", "image_size=16", "--set", "conv=4", "--set", "dense=4", "--set", "backbone=none")
FEW = ("--epochs", "1", "--set", "train_limit=50", "--set", "val_limit=30")


def _next(err: str) -> list[list[str]]:
    """The three commands after `next:`, each as the words that a shell would make of it."""
    lines = err.splitlines()
    commands = lines[lines.index("next:") + 1 :]
    assert len(commands) == 3
    assert all(line.startswith("  greycard ") for line in commands)
    return [shlex.split(line)[1:] for line in commands]


@pytest.mark.parametrize(("folder", "out"), [("my pets", "o ut"), ("it's", "-out")])
def test_the_next_commands_after_training_on_a_folder_work(folder: str, out: str, cli) -> None:
    make_folder(Path(folder), ("train", "validation"), ("dark", "it's light"), 3)
    said = cli("train", folder, "--out", out, *TINY)
    assert "; up to 10 minutes and 1 epoch; trained in" in said.err
    assert said.code == 0, said.err
    commands = _next(said.err)
    assert [words[0] for words in commands] == ["predict", "explain", "report"]
    for words in commands:
        assert cli(*words).code == 0, words


def test_the_next_commands_after_training_on_a_manifest_work(cli) -> None:
    make_folder(Path("data", "pets"), ("",), ("dark", "light"), 6)
    assert cli("split", "data/pets", "-o", "data/halves.csv", "--val-fraction", "0.5", "--quiet").code == 0
    for words in _next(cli("train", "data/halves.csv", *TINY).err):
        assert cli(*words).code == 0, words


def test_a_image_whose_name_cannot_be_printed_is_not_advised(cli) -> None:
    make_folder(Path("pets"), ("train", "validation"), ("dark", "light"), 3)
    Path("pets/validation/dark/000.jpg").rename("pets/validation/dark/0\n.jpg")
    assert _next(cli("train", "pets", *TINY).err)[0][2] == "pets/validation/dark/001.jpg"


def test_the_next_commands_after_projects_work(cli) -> None:
    one = _next(cli("run", "digits-cnn", *FEW).err)
    assert [words[0] for words in one] == ["show", "report", "serve"]
    regression = _next(cli("run", "house-prices", "--epochs", "1").err)
    assert [words[0] for words in regression] == ["predict", "show", "report"]
    several = _next(cli("run", "digits-cnn", "house-prices", *FEW[:2]).err)
    assert [words[0] for words in several] == ["table", "show", "report"]
    for words in (*one[:2], *regression, *several):
        assert cli(*words).code == 0, words


def test_quiet_training_advises_nothing(cli) -> None:
    assert cli("run", "house-prices", "--epochs", "1", "--quiet").err == ""
