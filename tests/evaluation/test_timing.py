"""Where a run's time went, kept, shown and commented on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import greycard
from greycard.evaluation.timing import PARTS, time_facts, time_line

HISTORY = [{"train_seconds": 9.0}, {"train_seconds": 4.0}, {"train_seconds": 6.0}]


def test_parts_add_up_to_the_whole_run(tmp_path: Path) -> None:
    run = greycard.train("digits-cnn", epochs=2, rotation_range=10.0, out=tmp_path, quiet=True)
    summary = run.summary
    assert set(summary["seconds_by_part"]) == set(PARTS)
    assert sum(summary["seconds_by_part"].values()) == pytest.approx(summary["total_seconds"])
    assert summary["seconds_by_part"]["compute"] > 0
    assert summary["augment_seconds"] > 0
    assert summary["images_per_second"] == pytest.approx(1438 / run.history[1]["train_seconds"])
    assert 100 < summary["peak_memory_mb"] < 20_000


def test_show_says_where_the_time_went_and_reads_older_runs(tmp_path: Path, cli: Any) -> None:
    run = greycard.train("digits-cnn", epochs=1, out=tmp_path, quiet=True)
    shown = cli("show", run.path).out
    assert "where it went" in shown
    assert "training steps" in shown
    assert "images/s in training" in shown
    summary = json.loads((run.path / "summary.json").read_text())
    for name in ("seconds_by_part", "augment_seconds", "images_per_second", "peak_memory_mb", "advice"):
        del summary[name]
    (run.path / "summary.json").write_text(json.dumps(summary))
    older = cli("show", run.path)
    assert older.code == 0
    assert "where it went" not in older.out


def test_the_first_epoch_compiles_and_does_not_count_for_speed() -> None:
    facts = time_facts({"compute": 19.0}, HISTORY, images=100, augment=0.0, total=25.0)
    assert facts["images_per_second"] == pytest.approx(20.0)
    assert facts["seconds_by_part"]["other"] == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("seconds", "total", "says"),
    [
        ({"decode": 30.0, "compute": 10.0}, 45.0, "finds them decoded"),
        ({"features": 60.0, "compute": 10.0}, 90.0, "augmented_copies"),
        ({"compute": 80.0}, 100.0, "image_size"),
        ({"compute": 50.0, "validation": 30.0, "waiting": 15.0}, 100.0, None),
        ({"validation": 50.0, "compute": 45.0}, 100.0, "val_limit"),
        ({"waiting": 50.0, "compute": 45.0}, 100.0, "processor cores"),
        ({"compute": 9.0}, 10.0, None),
    ],
)
def test_advice_where_one_part_dominates(seconds: dict[str, float], total: float, says: str | None) -> None:
    advice = time_facts(seconds, HISTORY, images=10, augment=0.0, total=total)["advice"]
    assert (advice is None) if says is None else (says in advice)


def test_the_line_names_the_largest_share_first() -> None:
    line = time_line({"decode": 1.0, "compute": 8.0, "validation": 1.0, "waiting": 0.01})
    assert line.startswith("training steps 80 %, ")
    assert "waiting" not in line
