"""The answers to the lessons' questions: their numbers, computed again from the lessons' own tables and code."""

from __future__ import annotations

import math
import re

import classroom
import generate
import lesson_runs
from greycard.evaluation.intervals import accuracy_interval
from greycard.reports.columns import span

OUTCOME = re.compile(r"\| ([-+]\d+\.\d) \| [^|]+ \| ([-+]\d+\.\d) \|$", re.MULTILINE)


def _page(name: str) -> str:
    return (lesson_runs.LESSONS / f"{name}.md").read_text(encoding="utf-8")


def _answers(name: str) -> str:
    """The part of a page with questions and answers, in one line."""
    return " ".join(_page(name).partition("## Questions")[2].split())


def _interval(right: int, images: int) -> str:
    return span(*accuracy_interval(right / images, images))


def test_one_neuron() -> None:
    answers, prices = _answers("1-one-neuron"), (1, 2, 3, 4.5, 5.5)
    assert f"4, that is {100_000 * (0.5 + 0.5 * 7):,.0f}" in answers
    assert f"= {sum(price**2 for price in prices):g} / 5 = {sum(price**2 for price in prices) / 5:g}" in answers


def test_stopping() -> None:
    answers = _answers("2-stopping")
    assert f"the interval is {_interval(350, 359)}" in answers
    assert f"100 images give {_interval(90, 100)}, and 400 images {_interval(360, 400)}" in answers
    rows = re.findall(r"\| (\d) \| [\d.]+ % \| (\d\d\.\d\d) % \|", generate.MAKERS["real-stopping"]())
    lows = {seed: accuracy_interval(float(accuracy) / 100, 10_000)[0] for seed, accuracy in rows}
    assert [seed for seed, low in lows.items() if low >= 0.98] == ["1"]
    for low in lows.values():
        assert f"{100 * low:.2f} %" in answers


def test_convolution() -> None:
    assert f"96 × 96 × 94 × 94 = {96 * 96 * 94 * 94:,}" in _answers("3-convolution")


def test_folders() -> None:
    shown = generate.MAKERS["real-folders"]()
    assert "/ 256 |" in shown
    assert f"{100 * 221 / 256:.2f} %" in shown
    assert f"{256 - 221} images: 221 of 256 are right" in _answers("4-folders")


def test_speed() -> None:
    answers, names = _answers("5-speed"), {"__name__": "lesson"}
    exec(lesson_runs.code(_page("5-speed"))[0], names)
    operations = names["operations"]
    second, dense = operations(13, 64, 64), 2 * 1600 * 512  # type: ignore[operator]
    whole = operations(28, 1, 64) + second + dense  # type: ignore[operator]
    assert f"= {second / 1e6:.1f} of {whole / 1e6:.1f} million, {100 * second / whole:.0f} %" in answers
    assert f"1600 × 512 = {1600 * 512:,}" in answers
    assert f"9 × 64 × 64 = {9 * 64 * 64:,}" in answers
    assert f"is {operations(56, 1, 64) / operations(28, 1, 64):.1f} times" in answers  # type: ignore[operator]


def test_augmentation() -> None:
    found = [(float(end), float(early)) for end, early in OUTCOME.findall(generate.MAKERS["outcome-augmentation"]())]
    assert len(found) == 6
    assert all(early < 0 < end for end, early in found)
    assert "all six differences after 20 epochs are negative. At the end all six are positive" in _answers(
        "6-augmentation"
    )


def test_transfer() -> None:
    shown = generate.MAKERS["real-transfer"]()
    rows = re.findall(r"`(cats-dogs-3k-(?:cnn|transfer))` \| 2,000 / 1,000 \| \d+ \| [\d.]+ % \| ([\d.]+) %", shown)
    scratch, transfer = (round(10 * (100 - float(accuracy))) for _, accuracy in rows)
    assert f"{scratch} and {transfer}: nine of ten errors are gone" in _answers("7-transfer")
    assert round(10 * (1 - transfer / scratch)) == 9


def test_many_classes() -> None:
    powers = [math.exp(value) for value in (2, 1, 0)]
    first, second, third = (f"{100 * power / sum(powers):.1f} %" for power in powers)
    answers = _answers("8-many-classes")
    assert f"{first}, {second} and {third}" in answers
    assert f"their sum {sum(powers):.1f}" in answers


def test_your_image() -> None:
    answers = _answers("9-your-image")
    assert f"interval of {_interval(46, 50)}" in answers
    assert f"validation photographs is {_interval(971, 1000)}" in answers


def test_overfitting() -> None:
    rows = classroom.measured("cures")
    few = {row["parameters"] for row in rows if row["cure"] == "fewer-weights"}
    assert [f"{count:,}. Why" in _answers("10-overfitting") for count in few] == [True]
    assert f"It has {round(few.pop() / 120)} weights for each image" in _answers("10-overfitting")


def test_what_the_lesson_says_of_the_cures_is_what_was_measured() -> None:
    by_cure: dict[str, list[float]] = {}
    sure: dict[str, tuple[int, int]] = {}
    for row in classroom.measured("cures"):
        if "gain" not in row:
            continue
        by_cure.setdefault(row["cure"], []).append(row["gain"])
        better, worse = sure.get(row["cure"], (0, 0))
        real = row["is_real"]
        sure[row["cure"]] = (better + (real and row["gain"] > 0), worse + (real and row["gain"] < 0))
    assert {cure: len(gains) for cure, gains in by_cure.items()} == dict.fromkeys(by_cure, 6)
    assert sure == {
        "more-data": (6, 0),
        "augmentation": (6, 0),
        "dropout": (2, 1),
        "weight-decay": (0, 0),
        "stopped-early": (0, 1),
        "fewer-weights": (3, 0),
    }
    assert min(*by_cure["more-data"], *by_cure["augmentation"]) >= 0.18


def test_a_gain_can_be_too_small_for_21_comparisons() -> None:
    (row,) = (
        each
        for each in classroom.measured("cures")
        if (each["cure"], each["seed"], each["precision"]) == ("fewer-weights", 0, "bfloat16")
    )
    gain, low, high = (f"{100 * row[name]:+.1f}" for name in ("gain", "low", "high"))
    assert f"`fewer-weights-1: {gain} points, between {low} and {high}: these images cannot tell`" in _answers(
        "10-overfitting"
    )
    assert not row["is_real"]
