"""Advice works when it is typed: every command and option in a message exists, and hints do what they promise."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest

import greycard
from conftest import a_summary, an_epoch
from greycard.cli.main import cli as group
from greycard.core.errors import command
from greycard.recipe.names import setting_names
from greycard.runs.evidence import evidence_of
from greycard.runs.run_args import RunArgs

SOURCE = Path(greycard.__file__).parent
ROOT = Path(__file__).resolve().parents[2]
ANY = "X"
"""Stands for what a message fills in."""
OF_RAY = "`ray start --head`"
"""A command of another program."""


def _text(node: ast.expr) -> str:
    """A string as it is written; what is filled in is `ANY`, and a command built with `command` is that command."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text, node.values))
    if isinstance(node, ast.FormattedValue):
        return _text(node.value) if _is_command(node.value) else ANY
    if isinstance(node, ast.Call) and _is_command(node):
        return " ".join(["greycard", *map(_text, (word for word in node.args if not isinstance(word, ast.Starred)))])
    if isinstance(node, ast.IfExp):  # one of two commands
        return _text(node.body)
    return ANY


def _is_command(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "command"


def _messages(file: Path) -> Iterator[str]:
    """Every string of a file that is no docstring, and every command that it builds."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            if id(node) not in bare and (isinstance(node, ast.JoinedStr) or id(node) not in inside):
                yield _text(node)
        elif isinstance(node, ast.Call) and _is_command(node):
            yield f"`{_text(node)}`"


def _all_messages() -> list[tuple[str, str]]:
    files = sorted(SOURCE.rglob("*.py"))
    return [(str(file.relative_to(SOURCE)), text) for file in files for text in _messages(file)]


MESSAGES = _all_messages()
COMMANDS = sorted(
    {
        (where, words)
        for where, text in MESSAGES
        for words in (*re.findall(r"`(?:\w+=\w+ )?(greycard [^`]*)`", text), *re.findall(r"next: (greycard .*)$", text))
    }
)


def _expect_parses(words: list[str], known: click.Group) -> None:
    context = click.Context(known, info_name="greycard", help_option_names=["-h", "--help"])
    name, found, rest = known.resolve_command(context, words)
    assert found is not None
    if isinstance(found, click.Group) and rest:
        return _expect_parses(rest, found)
    found.make_context(name, rest, parent=context)
    return None


def test_messages_with_commands_are_found() -> None:
    assert len(COMMANDS) > 20
    assert any(words == "greycard resume X" for _, words in COMMANDS)


@pytest.mark.parametrize(("where", "words"), COMMANDS)
def test_a_command_in_a_message_can_be_typed(where: str, words: str) -> None:
    _expect_parses(shlex.split(words.replace("--workers X", "--workers 2"))[1:], group)


def _every(known: click.Group) -> Iterator[click.Command]:
    for each in known.commands.values():
        yield each
        if isinstance(each, click.Group):
            yield from _every(each)


@pytest.mark.parametrize("found", [group, *_every(group)], ids=lambda found: str(found.name))
def test_the_examples_of_a_commands_help_can_be_typed(found: click.Command) -> None:
    examples = re.findall(r"^\s*(?:find .* \| )?(greycard [^#>\n]*)", found.help or "", re.MULTILINE)
    assert examples or found.name == "clear"
    for example in examples:
        _expect_parses(shlex.split(example)[1:], group)


def test_options_fields_and_extras_in_messages_exist() -> None:
    options = {name for each in _every(group) for param in each.params for name in param.opts} | {"--help", "--version"}
    fields = {*setting_names(), "field", "FIELD", ANY}
    extras = {*tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"], ANY}
    for where, text in ((where, text) for where, text in MESSAGES if " " in text):  # else it is no sentence
        text = text.replace(OF_RAY, "")
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) <= options, f"{where}: {text}"
        assert set(re.findall(r"--set ([\w.]+)=", text)) <= fields, f"{where}: {text}"
        assert set(re.findall(r"greycard\[(\w+)\]", text)) <= extras, f"{where}: {text}"


def test_paths_in_commands_are_quoted_and_no_options() -> None:
    assert command("train", Path("my pets")) == "greycard train 'my pets'"
    assert command("show", Path("-runs/it's")) == "greycard show './-runs/it'\"'\"'s'"
    assert command("table", "--out", Path("runs")) == "greycard table --out runs"


@pytest.fixture
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of a few images, rendered in no time."""
    from greycard.synthetic import sample

    few = partial(sample.write_sample, train_per_class=2, validation_per_class=1)
    monkeypatch.setattr(sample, "write_sample", few)


def _advice(err: str) -> list[str]:
    """The command in backticks of a hint."""
    found = re.search(r"^hint: .*?`greycard ([^`]*)`", err, re.MULTILINE)
    assert found, err
    return shlex.split(found[1])


@pytest.mark.parametrize("name", ["nowhere", "no where", "it's", "deep/er"])
@pytest.mark.usefixtures("small_sample")
def test_the_advice_on_a_folder_that_is_not_there_works(name: str, cli) -> None:
    said = cli("train", name)
    assert said.code == 2
    assert cli(*_advice(said.err)).code == 0
    assert Path(name, "train").is_dir()


@pytest.mark.parametrize("name", ["my pets", ".", "-pets"])
@pytest.mark.usefixtures("small_sample")
def test_the_advice_on_a_sample_in_use_names_a_free_folder(name: str, cli) -> None:
    Path(name).mkdir(exist_ok=True)
    Path(name, "own.txt").touch()
    said = cli("sample", "--", name)
    assert said.code == 2
    there = set(Path().iterdir())
    done = cli(*_advice(said.err))
    assert done.code == 0
    assert len(set(Path().iterdir()) - there) == 1
    assert cli(*shlex.split(done.out.rpartition("next: greycard ")[2]), "--help").code == 0


@pytest.mark.parametrize(("name", "project"), [("digits-cnn", "digits-cnn"), ("mnist", "mnist-dnn")])
def test_the_advice_on_a_project_in_a_folders_place_runs_it(name: str, project: str, cli) -> None:
    said = cli("train", name)
    assert (said.code, _advice(said.err)) == (2, ["run", project])


def test_the_advice_on_an_address_of_another_machine_is_an_address(cli) -> None:
    assert cli("run", "digits-cnn", "--epochs", "1", "--set", "train_limit=50", "--set", "val_limit=30").code == 0
    said = cli("serve", "digits-cnn-1", "--host", "192.0.2.200", "--port", "0")
    assert (said.code, "hint: use --host 127.0.0.1" in said.err) == (2, True)


def test_the_advice_on_a_run_that_is_none_lists_the_runs_there(cli) -> None:
    assert cli("run", "house-prices", "--epochs", "1", "--quiet", "--out", "my runs").code == 0
    said = cli("show", "house-prices-2", "--out", "my runs")
    assert "house-prices-1" in cli(*_advice(said.err)).out
    assert cli(*_advice(cli("show", "house-prices-2").err)).code == 0


def test_the_advice_on_missing_data_fetches_it_to_where_it_is_looked_for(cli) -> None:
    Path("my data").mkdir()
    said = cli("run", "mnist-dnn", "--data-dir", "my data")
    assert said.code == 2
    assert _advice(said.err) == ["fetch", "mnist", "--data-dir", "my data"]
    assert _advice(cli("run", "mnist-dnn").err) == ["fetch", "mnist"]


def test_the_advice_on_an_empty_table_makes_a_run_for_it(cli) -> None:
    said = cli("table", "--out", "my runs")
    assert "`greycard run digits-cnn --out 'my runs'` creates one" in said.err


def test_the_advice_on_a_regression_shows_it(cli) -> None:
    assert cli("run", "house-prices", "--epochs", "1", "--quiet", "--out", "my runs").code == 0
    run = "my runs/house-prices-1"
    for words in (("diagnose", run), ("explain", run, "x.png"), ("compare", run, "."), ("predict", run, "many")):
        said = cli(*words)
        assert said.code == 2
        if words[0] != "compare":
            assert cli(*_advice(said.err)).code == 0


def test_advice_names_a_label_file_as_it_is_typed() -> None:
    """The name of the dataset is the file's without its ending, which no command takes."""
    nobody, args = np.empty(0, np.int64), RunArgs(data="/images/my labels.csv")
    recipe = greycard.Recipe.make("labels", "my labels")
    evidence = evidence_of(recipe, a_summary(reason="chosen"), [an_epoch(1)], (), nobody, nobody, "labels-1", args)
    assert evidence.command == "greycard train 'my labels.csv'"
