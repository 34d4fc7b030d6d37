"""`greycard compare`: what is compared, what is refused, what is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import greycard
from conftest import a_summary, an_epoch
from greycard.core.errors import GreycardError
from greycard.recipe import Recipe
from greycard.runs.directory import RunDirectory

ENVIRONMENT = ("started", "greycard", "python", "machine", "backend", "backend_version", "device", "keras")
IDS = tuple(f"validation/{n}" for n in range(400))
LABELS = np.arange(400) % 2


def a_run(out: Path, right: float, *, seed: int = 0, ids: tuple[str, ...] = IDS, units: int = 8) -> Path:
    """A finished run that answers a share of the images rightly, drawn by its seed."""
    directory = RunDirectory.new(out, "pets")
    recipe = Recipe.make(name="pets", dataset="pets", dense=(units,), epochs=1, seed=seed)
    labels = LABELS[: len(ids)]
    hits = np.random.default_rng(seed + units).random(len(ids)) < right
    guesses = np.where(hits, labels, 1 - labels)
    directory.write_json("recipe.json", recipe.to_json())
    directory.write_json("environment.json", dict.fromkeys(ENVIRONMENT, "x"))
    directory.write_json("labels.json", {"classes": ["cat", "dog"]})
    directory.append_history(an_epoch())
    directory.write_predictions(ids, labels, np.where(np.eye(2, dtype=bool)[guesses], 0.9, 0.1))
    directory.finish(a_summary(seed=seed, val_images=len(ids)))
    return directory.path


def test_two_runs_are_compared_by_the_images_they_differ_on(tmp_path: Path, cli) -> None:
    worse, better = a_run(tmp_path, 0.7), a_run(tmp_path, 0.9, units=16)
    found = greycard.compare(better, worse)
    difference = found.differences[0]
    assert difference.is_real
    assert difference.low < difference.difference < difference.high
    assert len(difference.only_first) > len(difference.only_second)
    said = cli("compare", "pets-2", "pets-1", "--out", tmp_path).out
    assert "on the same 400 validation images" in said
    assert " significant" in said
    assert "not significant" not in said
    content = json.loads(cli("compare", "pets-1", "pets-2", "--out", tmp_path, "--format", "json").out)
    assert content["differences"][0]["only_second"] == list(difference.only_first)


def test_the_order_of_the_images_does_not_matter(tmp_path: Path) -> None:
    one, other = a_run(tmp_path, 0.8), a_run(tmp_path, 0.7, units=16)
    found = greycard.compare(one, other).differences[0]
    archive = dict(np.load(other / "predictions.npz"))
    turned = {name: values[::-1] for name, values in archive.items()}
    np.savez(other / "predictions.npz", **turned)
    assert greycard.compare(one, other).differences[0] == found


def test_seeds_of_one_recipe_are_one_group(tmp_path: Path, cli) -> None:
    runs = [a_run(tmp_path, 0.8, seed=seed) for seed in range(3)]
    only_seeds = greycard.compare(*runs)
    assert len(only_seeds.groups) == 1
    assert not only_seeds.differences
    assert "seeds of one recipe" in cli("compare", *runs).out
    mixed = greycard.compare(*runs, a_run(tmp_path, 0.82, units=16))
    assert [len(group.runs) for group in mixed.groups] == [3, 1]
    assert "mean of 3 seeds from" in cli("compare", *runs, tmp_path / "pets-4").out


def test_equal_runs_differ_by_nothing(tmp_path: Path) -> None:
    one, other = a_run(tmp_path, 0.8), a_run(tmp_path, 0.8)
    (other / "recipe.json").write_text((other / "recipe.json").read_text().replace('"epochs": 1', '"epochs": 2'))
    found = greycard.compare(one, other).differences[0]
    assert (found.difference, found.p, found.is_real) == (0.0, 1.0, False)


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"ids": IDS[:300]}, "300 in common"), ({"ids": tuple(f"x/{id}" for id in IDS)}, "0 in common")],
)
def test_other_validation_images_are_refused_with_the_reason(tmp_path: Path, cli, other, reason: str) -> None:
    one, two = a_run(tmp_path, 0.8), a_run(tmp_path, 0.7, units=16, **other)
    refused = cli("compare", one, two)
    assert refused.code == 2
    assert reason in refused.err
    assert "hint:" in refused.err


def test_one_run_is_no_comparison(tmp_path: Path) -> None:
    one = a_run(tmp_path, 0.8)
    with pytest.raises(GreycardError, match="two different runs"):
        greycard.compare(one, one)


def test_the_same_seed_on_other_data_is_no_second_seed(tmp_path: Path) -> None:
    """A folder that was cleaned and trained again: the same recipe and seed, and something to compare."""
    found = greycard.compare(a_run(tmp_path, 0.5), a_run(tmp_path, 0.5))
    assert [group.name for group in found.groups] == ["pets-1", "pets-2"]
    assert len(found.differences) == 1


def test_groups_have_names_of_their_own(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, 0.8, seed=seed, units=units) for units in (8, 16) for seed in (0, 1)]
    found = greycard.compare(*runs)
    assert [group.name for group in found.groups] == ["pets (pets-1, pets-2)", "pets (pets-3, pets-4)"]


def test_several_perfect_seeds_are_not_perfectly_sure(tmp_path: Path) -> None:
    found = greycard.compare(*(a_run(tmp_path, 1.1, seed=seed) for seed in (0, 1)))
    low, high = found.groups[0].interval
    assert 0.98 < low < 1.0
    assert high == 1.0
