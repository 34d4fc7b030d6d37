"""Where a run's time went, kept, shown and commented on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import an_epoch
from greycard.evaluation.timing import PARTS, time_line, time_spent

HISTORY = [an_epoch(train_seconds=seconds) for seconds in (9.0, 4.0, 6.0)]


def test_parts_add_up_to_the_whole_run(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", epochs=2, rotation_range=10.0, out=tmp_path, quiet=True)
    summary = run.summary
    assert set(summary.time.seconds_by_part) == set(PARTS)
    assert sum(summary.time.seconds_by_part.values()) == pytest.approx(summary.time.total_seconds)
    assert summary.time.seconds_by_part["compute"] > 0
    assert summary.time.augment_seconds > 0
    assert summary.time.images_per_second == pytest.approx(1438 / run.history[1].train_seconds)
    assert 100 < summary.peak_memory_mb < 20_000


def test_show_says_where_the_time_went(tmp_path: Path, cli: Any) -> None:
    run = greycard.train("digits-cnn", epochs=1, out=tmp_path, quiet=True)
    shown = cli("show", run.path).out
    assert "time by part" in shown
    assert "training steps" in shown
    assert "images/s in training" in shown


def test_the_first_epoch_compiles_and_does_not_count_for_speed() -> None:
    time = time_spent({"compute": 19.0}, HISTORY, images=100, augment=0.0, total=25.0)
    assert time.images_per_second == pytest.approx(20.0)
    assert time.seconds_by_part["other"] == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("seconds", "total", "says"),
    [
        ({"decode": 30.0, "compute": 10.0}, 45.0, "uses the cache"),
        ({"features": 60.0, "compute": 10.0}, 90.0, "augmented_copies"),
        ({"compute": 80.0}, 100.0, "image_size"),
        ({"compute": 50.0, "validation": 30.0, "waiting": 15.0}, 100.0, None),
        ({"validation": 50.0, "compute": 45.0}, 100.0, "val_limit"),
        ({"waiting": 50.0, "compute": 45.0}, 100.0, "CPU cores"),
        ({"compute": 9.0}, 10.0, None),
    ],
)
def test_advice_where_one_part_dominates(seconds: dict[str, float], total: float, says: str | None) -> None:
    advice = time_spent(seconds, HISTORY, images=10, augment=0.0, total=total).advice
    assert (advice is None) if says is None else (says in advice)


def test_the_line_names_the_largest_share_first() -> None:
    line = time_line({"decode": 1.0, "compute": 8.0, "validation": 1.0, "waiting": 0.01})
    assert line.startswith("training steps 80 %, ")
    assert "waiting" not in line
