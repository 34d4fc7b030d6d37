"""A run's records: what is written is read back exactly, and whatever else a file holds is named in one sentence."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import greycard
from conftest import a_summary, an_epoch
from greycard.audit.facts import Preflight
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.core.published import Published
from greycard.core.run_format import SCHEMA
from greycard.evaluation.calibration import Calibration
from greycard.evaluation.scores import ClassScores, Scores
from greycard.evaluation.timing import TimeSpent
from greycard.recipe import Recipe
from greycard.runs.directory import RunDirectory
from greycard.runs.measurements import Measurement
from greycard.runs.run_args import RunArgs, read_run_args
from greycard.runs.schema import Summary

RECORDS = (Epoch, Summary, Measurement)
SOURCE = Path(greycard.__file__).parent


def any_of(kind: Any) -> st.SearchStrategy[Any]:
    """Every value that a field of this type may have."""
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        types = get_type_hints(kind, include_extras=True)
        return st.builds(kind, **{name: any_of(each) for name, each in types.items()})
    if origin in (Union, UnionType):
        return st.one_of(st.none(), *(any_of(each) for each in args if each is not NoneType))
    if origin is Annotated:
        low, high = args[1].low, min(args[1].high, 1e300)
        if args[0] is int:
            return st.integers(int(low), 2**63)
        return st.floats(low, high, allow_nan=False)
    if origin is tuple:
        return st.lists(any_of(args[0])).map(tuple) if args[-1] is Ellipsis else st.tuples(*map(any_of, args))
    if origin is not None:
        return st.dictionaries(st.text(), any_of(args[1]))
    return {int: st.integers(), float: st.floats(allow_nan=False, allow_infinity=False), str: st.text()}[kind]


@pytest.mark.parametrize("kind", RECORDS)
def test_what_is_written_is_read_back_exactly(kind: Any) -> None:
    @settings(max_examples=40)
    @given(any_of(kind))
    def check(record: Any) -> None:
        text = json.dumps(record.to_json(), allow_nan=False)
        again = kind.from_json(json.loads(text))
        assert again == record
        assert json.dumps(again.to_json()) == text

    check()


@pytest.mark.parametrize("record", [an_epoch(), a_summary()], ids=["epoch", "summary"])
def test_every_field_is_needed_and_no_other_is_taken(record: Epoch | Summary) -> None:
    content = record.to_json()
    for name in content:
        rest = {key: value for key, value in content.items() if key != name}
        with pytest.raises(GreycardError, match=f"the field {name} is missing"):
            record.from_json(rest)
    with pytest.raises(GreycardError, match="the field colour is unknown"):
        record.from_json(content | {"colour": 1})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("val_accuracy", 1.5, "val_accuracy must be between 0 and 1. Received: 1.5"),
        ("val_accuracy", "high", "val_accuracy must be a finite number. Received: 'high'"),
        ("val_loss", math.nan, "val_loss must be a finite number. Received: nan"),
        ("val_loss", math.inf, "val_loss must be a finite number. Received: inf"),
        ("val_loss", True, "val_loss must be a finite number. Received: True"),
        ("val_loss", 10**400, "val_loss must be a finite number"),
        ("epochs", 2.0, "epochs must be a whole number. Received: 2.0"),
        ("val_images", 0, "val_images must be 1 or more. Received: 0"),
        ("stopped", 3, "stopped must be a string. Received: 3"),
        ("time", None, "time must be an object. Received: None"),
        ("time", {}, "the field time.advice is missing"),
        ("left_out", {}, "left_out must be a list. Received: {}"),
        ("left_out", [{"id": "a", "reason": 1}], r"left_out[0].reason must be a string. Received: 1"),
        ("calibration", [], "calibration must be an object. Received: []"),
    ],
)
def test_a_damaged_field_is_named_with_what_was_expected(name: str, value: object, expected: str) -> None:
    with pytest.raises(GreycardError) as caught:
        Summary.from_json(a_summary().to_json() | {name: value})
    assert expected in str(caught.value)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@settings(max_examples=40)
@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_no_json_ends_in_another_error(content: Any) -> None:
    for kind in RECORDS:
        with pytest.raises(GreycardError):
            kind.from_json(content)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, without training."""
    directory = RunDirectory.new(tmp_path, "pets")
    directory.write_json("recipe.json", Recipe.make("pets", "pets", dense=(8,), epochs=1).to_json())
    directory.write_json("labels.json", {"classes": ["cat", "dog"]})
    directory.append_history(an_epoch())
    directory.finish(a_summary())
    return directory.path


def test_a_run_gives_its_records(run: Path) -> None:
    found = greycard.open_run(run)
    assert (found.summary, found.history) == (a_summary(), [an_epoch()])
    assert found.summary.val_accuracy == 0.95
    assert json.loads((run / "summary.json").read_text())["schema"] == SCHEMA


@pytest.mark.parametrize("file", ["summary.json", "recipe.json"])
def test_a_run_of_an_older_schema_is_refused_in_one_sentence(file: str, run: Path, cli: Any) -> None:
    content = json.loads((run / file).read_text())
    (run / file).write_text(json.dumps(content | {"schema": SCHEMA - 1}))
    said = cli("show", run)
    assert said.code == 2
    assert f"{file} has run format {SCHEMA - 1}; this Greycard reads format {SCHEMA}" in said.err
    assert "train again" in said.err


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"epoch": 1}', "1", "null"])
def test_a_damaged_line_of_the_history_is_named(line: str, run: Path) -> None:
    (run / "history.jsonl").write_text(f"{line}\n")
    with pytest.raises(GreycardError, match=r"history\.jsonl cannot be read"):
        greycard.open_run(run).history  # noqa: B018


def test_the_private_file_reads_back(run: Path) -> None:
    args = RunArgs(data="pets", track=("mlflow",), published=Published(val_accuracy=0.9), reason="few images")
    (run / "run_args.json").write_text(json.dumps({"schema": SCHEMA, **args.to_json()}))
    assert read_run_args(run) == args
    (run / "run_args.json").write_text(json.dumps({"schema": SCHEMA, **args.to_json(), "track": 3}))
    with pytest.raises(GreycardError, match="track must be a list"):
        read_run_args(run)


RECORDED = (Epoch, Summary, TimeSpent, Published, Preflight, Calibration, Scores, ClassScores)
COMMON = {"name", "machine", "images", "classes", "accuracy", "labels"}
"""Field names that other dictionaries have, too: an environment, a template's values, what a task measures, the arrays
of a file of predictions."""

READERS = ("evaluation", "training", "runs", "reports", "deploy", "explain", "jobs", "cli", "run.py", "trainer.py")
"""Packages that read runs; those before them in the order of imports do not know one."""


def _string_keys(file: Path) -> Iterator[tuple[int, str]]:
    """Where a constant is a subscript's key, or the name in `.get(…)` or `getattr(…)`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        keys: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            keys = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            keys = node.args[:1]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            keys = node.args[1:2]
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield node.lineno, key.value
            elif isinstance(key, ast.JoinedStr):
                yield node.lineno, "f-string"


def test_no_module_spells_a_records_field_as_a_string() -> None:
    names = {field.name for kind in RECORDED for field in fields(kind)} - COMMON | {"f-string"}
    parts = [SOURCE / part for part in READERS]
    every = [file for part in parts for file in ([part] if part.is_file() else part.rglob("*.py"))]
    others = ("deploy/answers/", "deploy/export/browser.py")  # the columns of files, the words of a browser
    files = [file for file in every if not file.relative_to(SOURCE).as_posix().startswith(others)]
    assert len(files) > 100
    found = ((file, line, key) for file in files for line, key in _string_keys(file))
    wrong = [f"{file.relative_to(SOURCE)}:{line} {key}" for file, line, key in found if key in names]
    assert not wrong
