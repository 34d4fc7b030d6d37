"""A search through the public API and the command line, with a ladder of tiny recipes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from conftest import Outcome, make_folder
from greycard.core.epoch import Epoch
from greycard.jobs import search_climb, search_plan
from greycard.recipe import Recipe
from greycard.recipe.unread import expect_read_settings
from greycard.search.budget import Rates
from greycard.search.candidates import Candidate, ladder
from greycard.search.record import (
    ALL_TRIED,
    CERTAIN,
    DONE,
    INTERRUPTED,
    OUT_OF_TIME,
    PLANNED,
    SKIPPED,
    SearchRecord,
    read_search,
)
from greycard.training.image_kind import ImageKind
from greycard.training.recommend import Task


def _tiny(task: Task, networks: object) -> tuple[Candidate, ...]:
    base = Recipe.make(task.name, task.name, image_size=8, keep="best", epochs=2, precision="float32")
    return (
        Candidate("linear", base),
        Candidate("dense", base.replace(dense=(4,))),
        Candidate("wide", base.replace(dense=(8,))),
    )


def _make_tiny(patch: pytest.MonkeyPatch) -> None:
    """Tiny recipes, which need not be measured."""
    patch.setattr(search_plan, "ladder", _tiny)
    for module in (search_plan, search_climb):
        patch.setattr(module, "measure_rates", lambda *_: Rates(0.1, 1e-4, 0.0, 1e-5, 1e-5))


@pytest.fixture(autouse=True)
def tiny_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    _make_tiny(monkeypatch)


def _noise(folder: Path, count: int = 30) -> Path:
    """Images without anything to learn: every recipe makes many mistakes."""
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / name / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _noise(tmp_path_factory.mktemp("data") / "noise")


@pytest.fixture(scope="module")
def searched(noise: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """A finished search; tests only read it."""
    with pytest.MonkeyPatch.context() as patch:
        _make_tiny(patch)
        return greycard.search(noise, minutes=5, quiet=True, out=tmp_path_factory.mktemp("runs"))


def _fail(*_: object) -> None:
    raise greycard.GreycardError("the disk is full", hint="free some space")


def _record(run: Path) -> SearchRecord:
    found = read_search(run)
    assert found is not None
    return found


def test_a_search_gives_one_run_with_its_ladder(
    searched: greycard.Run, noise: Path, cli: Callable[..., Outcome]
) -> None:
    run, record = searched, searched.search
    assert record is not None
    assert [(rung.name, rung.state) for rung in record.rungs] == [("linear", DONE), ("dense", DONE), ("wide", DONE)]
    assert record.ended == ALL_TRIED
    assert record.more == "every recipe of the ladder was trained to its end: more minutes change nothing"
    assert all(rung.gain for rung in record.rungs[1:])

    best = greycard.open_run(run.path / "tried" / str(record.rung(record.best or "").run))
    assert run.summary.val_accuracy == best.summary.val_accuracy == max(r.val_accuracy or 0 for r in record.rungs)
    assert run.recipe.replace(name="x") == best.recipe.replace(name="x")
    np.testing.assert_array_equal(run.predictions["probabilities"], best.predictions["probabilities"])

    for text in (cli("show", run.path).out, run.report()):
        assert "18 images that no choice has seen" in text
        assert "gain over the best before" in text
        assert "linear" in text
    assert [row.run for row in greycard.runs_table(out=run.path.parent).rows] == ["noise-1"]
    assert len(run.predict([noise / "a" / "00.png"])) == 1


def test_the_figure_is_measured_on_images_that_no_recipe_saw(searched: greycard.Run, noise: Path) -> None:
    run = searched
    aside = set(run.test_ids)
    assert len(aside) == run.summary.test_images == _record(run.path).set_aside.images == 18
    for tried in (run.path / "tried").glob("*-1"):
        record = greycard.open_run(tried)
        assert record.test_ids == ()
        assert not aside & {id for ids in record.split for id in ids}
        assert record.summary.test_accuracy is None
    found = run.predict([noise / id for id in run.test_ids])
    right = [each.label == Path(id).parent.name for id, each in zip(run.test_ids, found, strict=True)]
    assert run.summary.test_accuracy == pytest.approx(np.mean(right))


def test_report_and_card_state_the_figure_that_no_choice_has_seen(searched: greycard.Run) -> None:
    share = f"{100 * (searched.summary.test_accuracy or 0):.1f} %"
    for text in (searched.report(), searched.card()):
        assert f"is right on {share} of 18 images that no choice has seen" in " ".join(text.split())
    first, *_ = re.findall(r'<p class="result"><b>([^<]*)</b> <span>([^<]*)</span>', searched.report())
    assert first == (share, "accuracy on 18 images that no choice has seen")
    assert "on which the recipe was chosen" in searched.report()


@pytest.mark.slow
def test_ctrl_c_keeps_the_best_and_resume_goes_on(
    searched: greycard.Run, noise: Path, interrupted: Callable[..., Path], cli: Callable[..., Outcome]
) -> None:
    whole, said = searched, "with the best so far, linear"
    run = greycard.open_run(interrupted(8, noise, by=greycard.search, minutes=5, quiet=True, said=said))
    assert run.finished
    record = _record(run.path)
    assert (record.ended, record.best) == (INTERRUPTED, "linear")
    assert record.rungs[2].state == PLANNED
    assert run.predict([noise / "a" / "00.png"])

    planned = run.path / "tried" / "wide.json"
    content = planned.read_text()
    planned.write_text("{")
    refused = cli("resume", run.path)
    assert (refused.code, "wide.json cannot be read" in refused.err) == (2, True)
    assert greycard.open_run(run.path).finished  # nothing is lost
    planned.write_text(content)

    said = cli("resume", run.path)
    assert said.code == 0, said.err
    done, expected = _record(run.path), _record(whole.path)
    assert done.ended == ALL_TRIED
    assert [(r.name, r.val_accuracy, r.gain) for r in done.rungs] == [
        (r.name, r.val_accuracy, r.gain) for r in expected.rungs
    ]
    finished = greycard.open_run(run.path)
    np.testing.assert_array_equal(finished.predictions["probabilities"], whole.predictions["probabilities"])
    assert finished.summary.test_accuracy == whole.summary.test_accuracy
    refused = cli("resume", run.path)
    assert (refused.code, "is finished" in refused.err) == (2, True)


@pytest.mark.slow
def test_a_search_that_is_interrupted_before_any_recipe_is_unfinished(
    noise: Path, interrupted: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = greycard.open_run(interrupted(1, noise, by=greycard.search, minutes=5, quiet=True))
    assert not run.finished
    assert greycard.runs_table().rows[0].status == "unfinished"
    for tried in (run.path / "tried").glob("linear-*"):
        shutil.rmtree(tried)  # as if it had been killed before it began its first recipe
    place = run.path / "search.json"
    content = json.loads(place.read_text())
    content["rungs"][0] |= {"run": None, "state": PLANNED}
    place.write_text(json.dumps(content))
    with monkeypatch.context() as patch:
        patch.setattr(search_climb, "begin_run", _fail)
        with pytest.raises(greycard.GreycardError, match="no recipe could be trained"):
            greycard.resume(run, quiet=True)
    assert place.is_file()  # only a new search that fails leaves nothing behind
    place.write_text(json.dumps(content))
    assert greycard.resume(run, quiet=True).finished
    assert _record(run.path).ended == ALL_TRIED


@pytest.mark.slow
def test_the_time_spent_is_on_disk_after_every_epoch(noise: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process cannot write it at its end."""
    seen, count = [], search_climb.Climb._count_time

    def counted(climb: search_climb.Climb, epoch: Epoch) -> None:
        count(climb, epoch)
        seen.append(_record(climb._directory.path).spent_seconds)

    monkeypatch.setattr(search_climb.Climb, "_count_time", counted)
    run = greycard.search(noise, minutes=5, quiet=True)
    assert len(seen) == sum(greycard.open_run(tried).summary.epochs for tried in (run.path / "tried").glob("*-1"))
    assert seen == sorted(set(seen))


def test_the_command_line_says_what_is_kept(
    noise: Path, monkeypatch: pytest.MonkeyPatch, cli: Callable[..., Outcome]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(search_climb, "rung_line", stopped)
    said = cli("train", noise, "--minutes", "5")
    assert said.code == 130
    assert said.err.endswith(
        "interrupted; runs/noise-1 is saved, with the best so far, linear\n"
        "hint: `greycard resume runs/noise-1` continues it\n"
    )


def test_a_budget_too_short_for_anything_trains_the_cheapest_recipe(noise: Path, cli: Callable[..., Outcome]) -> None:
    said = cli("train", noise, "--minutes", "0.0001")
    assert said.code == 0, said.err
    assert "0.0001 minutes is too short: the cheapest recipe, linear at 8 px, takes about" in said.err
    record = _record(Path("runs/noise-1"))
    assert "reported: " in said.out
    assert "best so far: linear" in said.err
    assert [rung.state for rung in record.rungs] == [DONE, SKIPPED, SKIPPED]
    assert record.ended == OUT_OF_TIME


def test_it_stops_early_when_nothing_better_could_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learned(task: Task, networks: object) -> tuple[Candidate, ...]:
        return tuple(
            replace(each, recipe=each.recipe.replace(epochs=20, learning_rate=0.1)) for each in _tiny(task, networks)
        )

    monkeypatch.setattr(search_plan, "ladder", learned)
    monkeypatch.setattr(search_climb, "_CHEAP_SHARE", 0.0)
    easy = make_folder(tmp_path / "easy", ("",), ("dark", "light"), 20)
    record = greycard.search(easy, minutes=5, quiet=True).search
    assert record is not None
    assert record.ended == CERTAIN
    assert record.rungs[-1].state == SKIPPED
    assert "more images help" in (record.more or "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--minutes", "0"), "minutes must be a number above 0"),
        (("--minutes", "nan"), "minutes must be a number above 0"),
        (("--minutes", "1", "--epochs", "5"), "--minutes searches for the best recipe, so it takes no epochs"),
        (("--minutes", "1", "--backbone", "MobileNetV2"), "so it takes no backbone"),
        (("--minutes", "1", "--weights", "nowhere"), "nowhere, which does not exist"),
    ],
)
def test_mistakes_leave_nothing_behind(
    words: tuple[str, ...], said: str, noise: Path, cli: Callable[..., Outcome]
) -> None:
    refused = cli("train", noise, *words)
    assert (refused.code, said in refused.err, Path("runs").exists()) == (2, True, False), refused.err


def test_numbers_have_no_search() -> None:
    with pytest.raises(greycard.GreycardError, match="has numbers as inputs"):
        greycard.search("house-prices", quiet=True)


def test_a_damaged_record_is_a_sentence(searched: greycard.Run, tmp_path: Path, cli: Callable[..., Outcome]) -> None:
    path = Path(shutil.copytree(searched.path, tmp_path / "run"))
    place = path / "search.json"
    good = json.loads(place.read_text())
    for bad in ("{", "[]", json.dumps(good | {"schema": 99}), json.dumps(good | {"minutes": "many"})):
        place.write_text(bad)
        said = cli("show", path)
        assert (said.code, "search.json cannot be read" in said.err) == (2, True), bad


@pytest.mark.parametrize("kind", [ImageKind(8), ImageKind(28, grey=True, drawn=True), ImageKind(32), ImageKind(300)])
@pytest.mark.parametrize("networks", [(), (("MobileNetV2", None), ("MobileNet", 0.25), ("ResNet50", None))])
@pytest.mark.parametrize("count", [500, 200_000])
def test_every_ladder_has_names_of_its_own_and_recipes_to_train(kind: ImageKind, networks: Any, count: int) -> None:
    found = ladder(Task("pets", count, 100, kind, 3.0), networks)
    assert len({each.name for each in found}) == len({each.recipe.digest for each in found}) == len(found) >= 2
    for each in found:
        assert 1 <= each.least_epochs <= each.recipe.training.epochs
        expect_read_settings(each.recipe)
        assert str(each.recipe.data.image_size[0]) in each.what  # type: ignore[index]
