"""The Python API as somebody types it: names that stay what they are, a version, objects that fit a line."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import greycard
from conftest import make_folder

_TWICE = """
import importlib, inspect, pkgutil
import greycard
modules = [each.name for each in pkgutil.walk_packages(greycard.__path__, "greycard.") if "__main__" not in each.name]
for name in modules:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert error.name in ("jax", "ray", "torch"), error  # optional
assert len(modules) > 100, modules
for name in greycard.__all__:
    found = getattr(greycard, name)
    assert callable(found) and not inspect.ismodule(found), name
    assert getattr(greycard, name) is found, name
calls = {
    "projects": (), "project": ("digits-cnn",), "load_dataset": ("digits",), "runs_table": (),
}
for name, arguments in calls.items():
    assert len({type(getattr(greycard, name)(*arguments)) for _ in range(2)}) == 1, name
mistakes = {
    "check": (1,), "compare": ("a", "b"), "load_folder": ("nowhere",), "load_manifest": ("nowhere.csv",),
    "open_run": ("nowhere",), "resume": ("nowhere",), "search": ("nowhere",), "serve": (["nowhere"],),
    "train": ("nowhere",),
}
for name, arguments in mistakes.items():
    for _ in range(2):
        try:
            getattr(greycard, name)(*arguments)
        except (greycard.GreycardError, AttributeError) as error:
            assert "not callable" not in str(error)
print("twice")
"""


@pytest.mark.slow
def test_public_names_stay_functions_after_every_submodule_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", _TWICE], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "twice", done.stderr


def test_a_submodule_can_be_imported_by_its_name() -> None:
    from greycard.projects import find_project

    assert find_project("digits-cnn").recipe == greycard.project("digits-cnn")


def test_the_version_is_the_distributions() -> None:
    assert greycard.__version__ == version("greycard")


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = greycard.nonsense


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """One of everything that the API gives back."""
    folder = make_folder(tmp_path_factory.mktemp("data") / "shades", ("",), ("dark", "light"), 12)
    dataset, out = greycard.load_folder(folder), tmp_path_factory.mktemp("runs")
    tiny = {"epochs": 1, "image_size": 16, "conv": (4,), "dense": (4,), "backbone": None, "out": out, "quiet": True}
    first, second = (greycard.train(dataset, seed=seed, **tiny) for seed in (0, 1))
    report, thumbnails = greycard.check(dataset, quiet=True)
    return {
        "dataset": dataset,
        "numbers": greycard.load_dataset("house-prices"),
        "split": dataset.train,
        "recipe": first.recipe,
        "augmentation": greycard.project("horses-humans-cnn-augmented").augmentation,
        "project": greycard.projects()[5],
        "run": first,
        "table": greycard.runs_table([first, second]),
        "comparison": greycard.compare(first, second),
        "group": greycard.compare(first, second).groups[0],
        "report": report,
        "looks": thumbnails,
        "new split": greycard.split(dataset, quiet=True),
        "prediction": first.predict(folder / "dark" / "000.jpg")[0],
        "explanation": first.explain(folder / "dark" / "000.jpg"),
    }


def test_everything_shows_itself_in_a_line(objects: dict[str, object]) -> None:
    for name, each in objects.items():
        line = repr(each)
        for path in (getattr(each, "path", None), getattr(each, "source", None)):
            line = line.replace(str(path), "runs/shades-1")  # temporary folders have long names
        assert "\n" not in line, name
        assert "array(" not in line, name
        assert name == "augmentation" or len(line) <= 120, f"{name}: {line}"


def test_a_dataset_says_its_name_counts_and_classes(objects: dict[str, object]) -> None:
    assert repr(objects["dataset"]) == "Dataset('shades', 20 training and 4 validation images, 2 classes: dark, light)"
    assert repr(objects["numbers"]) == "Dataset('house-prices', 5 training and 1 validation images, numbers)"
    assert repr(greycard.load_dataset("digits")).endswith("10 classes: 0, 1, 2, 3, 4, …)")


def test_long_class_names_are_cut(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "long", ("train", "validation"), [letter * 90 for letter in "ab"], 1)
    assert len(repr(greycard.load_folder(folder))) <= 120


def test_a_notebook_shows_runs_and_tables_as_html(objects: dict[str, object]) -> None:
    for name in ("run", "table"):
        assert objects[name]._repr_html_().startswith("<table>")  # type: ignore[attr-defined]
