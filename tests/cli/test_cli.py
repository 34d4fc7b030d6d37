"""The command line as a user meets it: names, codes, errors with hints, and quiet."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from greycard.cli.main import cli as group
from greycard.core.errors import GreycardError

COMMANDS = (
    "projects", "run", "train", "table", "show", "report", "diagnose", "compare", "explain", "predict", "check",
    "split", "export", "serve", "card", "fetch", "sample", "cache", "info", "resume",
    "recipe", "find-lr", "tune", "crossval", "records", "test", "studio", "sweep", "embed", "similar",
)  # fmt: skip


def test_the_commands_are_the_contract() -> None:
    assert set(group.commands) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, cli) -> None:
    outcome = cli(command, "--help")
    assert outcome.code == 0
    assert "Usage: greycard" in outcome.out


@pytest.mark.parametrize("command", ["run", "train"])
def test_the_common_options_are_the_contract(command: str) -> None:
    names = {name for option in group.commands[command].params for name in option.opts}
    wanted = {"--weights", "--out", "--epochs", "--seed", "--target-accuracy", "--set", "--quiet", "--debug"}
    assert wanted <= names
    assert command == "train" or "--data-dir" in names


@pytest.mark.parametrize("command", COMMANDS)
def test_what_an_option_writes_is_on_this_machine(command: str) -> None:
    """A file system would make a folder `s3:` of an address. What is read, and --answers, may be elsewhere."""
    others = {"--answers", "--data-dir", "--data", "--weights"}
    for option in group.commands[command].params:
        if option.metavar in ("DIR", "FILE", "PATH") and not others & set(option.opts):
            for address in ("s3://bucket/folder", "gcs://bucket/folder"):
                with pytest.raises(GreycardError, match=f"{option.opts[-1]} must be on a file system of this machine"):
                    option.type.convert(address, option, None)


@pytest.mark.parametrize("address", ["s3://x/y", "gs://x/y", "s3:/x"])
def test_a_check_writes_nothing_to_an_address(address: str, cli) -> None:
    Path("names.txt").write_text("a.jpg")
    outcome = cli("check", "names.txt", "--out", address)
    assert (outcome.code, outcome.err.splitlines()) == (
        2,
        [
            f"error: --out must be on a file system of this machine. Received: {address}",
            "hint: name a folder or a file of this machine",
        ],
    )
    assert [path.name for path in Path().iterdir()] == ["names.txt"]


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("run",),
        ("run", "no-such-project"),
        ("run", "digits-cnn", "--epochs", "0"),
        ("run", "digits-cnn", "--epochs", "two"),
        ("run", "digits-cnn", "--set", "epochs"),
        ("run", "digits-cnn", "--set", "colour=red"),
        ("run", "digits-cnn", "--target-accuracy", "95"),
        ("run", "digits-cnn", "--out", "a-file"),
        ("run", "digits-cnn", "--weights", "imagnet"),
        ("run", "mnist-cnn"),
        ("train", "nowhere"),
        ("train", "a-file"),
        ("table", "nowhere"),
        ("table", "--format", "xml"),
        ("show", "nowhere"),
        ("predict", "nowhere", "image.jpg"),
        ("export", "nowhere", "--format", "onnx"),
        ("serve", "nowhere"),
        ("studio", "a-file"),
        ("card", "nowhere"),
        ("fetch", "no-such-dataset"),
        ("sample", "."),
        ("sample", "a-file"),
    ],
)
def test_a_users_mistake_is_code_2_and_no_traceback(words: tuple[str, ...], cli) -> None:
    Path("a-file").touch()
    outcome = cli(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert "rror" in outcome.err
    assert not Path("runs").exists()


def test_debug_shows_the_traceback(cli) -> None:
    assert "Traceback" in cli("train", "nowhere", "--debug").err


def test_our_own_mistake_is_code_1(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("greycard.projects"), "projects", lambda: 1 / 0)
    outcome = cli("projects")
    assert outcome.code == 1
    assert "Greycard failed: ZeroDivisionError" in outcome.err
    assert "--debug" in outcome.err


def test_interrupted_training_keeps_what_it_has(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from greycard.core.epoch import Epoch
    from greycard.runs.directory import RunDirectory

    append = RunDirectory.append_history

    def interrupt_after_the_second(self: RunDirectory, epoch: Epoch) -> None:
        append(self, epoch)
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunDirectory, "append_history", interrupt_after_the_second)
    outcome = cli("run", "digits-cnn", "--set", "train_limit=100", "--quiet")
    assert outcome.code == 130
    assert "interrupted" in outcome.err
    assert "2 of 25" in cli("table").out


def test_a_backend_that_is_not_there(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    outcome = cli("run", "digits-cnn")
    assert outcome.code == 2
    assert "KERAS_BACKEND must be one of tensorflow, jax, torch" in outcome.err


def test_info_tells_of_a_folder_that_is_not_there(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREYCARD_WEIGHTS", "nowhere")
    outcome = cli("info")
    assert outcome.code == 0
    assert "GREYCARD_WEIGHTS names a folder that does not exist" in outcome.out


def test_a_file_in_the_way_is_a_clear_error(cli) -> None:
    Path("a-file").touch()
    outcome = cli("sample", "a-file/pets")
    assert outcome.code == 2
    assert "cannot read or write" in outcome.err
    assert "hint: " in outcome.err


def test_an_error_crosses_from_one_process_to_another_whole() -> None:
    error = GreycardError("epochs must be a whole number", hint="for example epochs=10")
    assert str(pickle.loads(pickle.dumps(error))) == "epochs must be a whole number\nhint: for example epochs=10"


def test_run_all_names_what_it_leaves_out(cli, tmp_path: Path) -> None:
    limits = ("--set", "train_limit=50", "--set", "val_limit=30", "--epochs", "1", "--quiet")
    outcome = cli("run", "all", "--data-dir", tmp_path, *limits)
    assert outcome.code == 0
    assert "note: mnist-cnn is skipped: its data is missing (greycard fetch mnist)" in outcome.err
    assert sorted(path.name for path in Path("runs").iterdir()) == ["digits-cnn-1", "house-prices-1"]


def test_info_names_what_is_in_use(cli) -> None:
    outcome = cli("info")
    assert outcome.code == 0
    for name in ("backend", "device", "machine", "data folder", "weights folder", "keras"):
        assert f"\n{name} " in f"\n{outcome.out}"
    assert outcome.err == ""


@pytest.mark.slow
def test_the_terminal_shows_no_backend_noise() -> None:
    """A whole process, because the noise comes once, at start-up."""
    words = ["run", "digits-cnn", "--epochs", "1", "--set", "train_limit=64", "--set", "val_limit=32"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TF_", "ABSL_", "GRPC_"))}
    done = subprocess.run(
        [sys.executable, "-m", "greycard", *words], capture_output=True, text=True, env=environment, check=True
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 7, done.stderr
    assert lines[0].startswith("runs/digits-cnn-1: CNN 128")
    assert lines[1].startswith("epoch 1/1")
    assert lines[2].startswith("underfit: ")
    assert lines[3] == "next:"
    predicted = subprocess.run(
        [sys.executable, "-m", "greycard", "predict", "digits-cnn-1", "nothing.png"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert predicted.returncode == 2
    assert len(predicted.stderr.splitlines()) <= 2, predicted.stderr


@pytest.mark.slow
def test_sample_renders_a_folder_to_train_on(cli) -> None:
    outcome = cli("sample", "pets")
    assert outcome.code == 0
    assert "420 images of 3 classes (cat, dog, rabbit)" in outcome.out
    assert len(list(Path("pets").rglob("*.jpg"))) == 420
    again = cli("sample", "pets")
    assert again.code == 2
    cli("sample", "others", "--seed", "0")
    names = [path.relative_to("pets") for path in Path("pets").rglob("*.jpg")]
    assert all(Path("others", name).read_bytes() == Path("pets", name).read_bytes() for name in names)


@pytest.mark.parametrize("words", [("sweep", "--seeds", "0,1"), ("crossval",)])
def test_a_missing_path_is_named_as_such(cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    name, *more = words
    (tmp_path / "pets").mkdir()
    for what, said in (
        (tmp_path / "petz", f"{tmp_path / 'petz'} does not exist\nhint: did you mean {tmp_path / 'pets'}?"),
        ("labels.csv", "labels.csv cannot be read: No such file or directory"),
        ("petz", "petz does not exist, and there is no project of that name"),
    ):
        told = cli(name, what, *more, "--out", tmp_path / "runs")
        assert (told.code, said in told.err) == (2, True), told.err
