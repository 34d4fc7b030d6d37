"""Prediction in shards: the answers of one process, each image once, whole files only, and bad files named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.cluster import predict as driver
from greycard.cluster.claims import claimed
from greycard.cluster.shards import MANIFEST, RECORD, begin, names_of
from greycard.core.errors import GreycardError
from greycard.deploy.answers.job import Job, Question

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")

JOB = Job("pets-1", "0" * 64, Question(), "/")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """A tiny model of 50 images."""
    root = make_folder(tmp_path_factory.mktemp("shards") / "images", ("train", "validation"), ("dark", "light"), 12)
    small: dict[str, Any] = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
    return greycard.train(root, weights="none", out=root.parent / "runs", quiet=True, **small)


@pytest.fixture(scope="module")
def many(run: greycard.Run) -> Path:
    """Its 48 images, a damaged one, and names that have to be quoted."""
    root = run.path.parents[1] / "images"
    (root / "train" / "dark" / "broken.jpg").write_bytes(b"no image")
    os.link(root / "train" / "dark" / "001.jpg", root / "train" / "dark" / 'a "quoted", é.jpg')
    return root


def rows(folder: Path) -> list[dict[str, Any]]:
    """All answers, in the order of the parts."""
    from pyarrow import parquet

    parts = sorted(folder.glob("part-*.parquet"))
    assert [part.name for part in parts] == [f"part-{number:06}.parquet" for number in range(len(parts))]
    return [row for part in parts for row in parquet.read_table(part).to_pylist()]


@pytest.fixture(scope="module")
def expected(run: greycard.Run, many: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The answers of `predict -o`."""
    from pyarrow import parquet

    place = tmp_path_factory.mktemp("expected") / "all.parquet"
    run.predict_to(place, many)
    return parquet.read_table(place).to_pylist()


def assert_same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Equal answers, each image once, in the order of the images; other batches may change the last digits."""
    assert [row["path"] for row in found] == [row["path"] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one["class"], one["error"], one["refused"]) == (other["class"], other["error"], other["refused"])
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


def test_parts_have_the_answers_of_one_file(
    run: greycard.Run, many: Path, expected: list[dict[str, Any]], tmp_path: Path, cli: Any
) -> None:
    said = cli("predict", run.path, many, "--answers", tmp_path / "answers", "--shard", 7, "--quiet")
    assert said.code == 1
    assert f"{tmp_path / 'answers'}: 50 images in 8 parts, 1 could not be read" in said.out
    assert "broken.jpg: " in said.out
    assert_same(rows(tmp_path / "answers"), expected)
    names = {path.name for path in (tmp_path / "answers").iterdir()}
    assert names == {MANIFEST, RECORD, *(f"part-{number:06}.parquet" for number in range(8))}


def test_the_same_command_predicts_only_what_is_missing(
    run: greycard.Run,
    many: Path,
    expected: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cli: Any,
) -> None:
    words = ("predict", run.path, many, "--answers", tmp_path / "answers", "--shard", 7, "--quiet")
    cli(*words)
    (tmp_path / "answers" / "part-000003.parquet").unlink()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "answers").glob("part-*")}
    predicted: list[int] = []
    known = driver.write_parquet
    monkeypatch.setattr(
        driver, "write_parquet", lambda place, *rest: (predicted.append(int(place.stem[-6:])), known(place, *rest))
    )
    again = cli(*words)
    assert predicted == [3]
    assert "50 images in 8 parts, 1 could not be read" in again.out
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
    assert_same(rows(tmp_path / "answers"), expected)


def test_a_part_that_another_process_has_claimed_is_left_to_it(
    run: greycard.Run, many: Path, tmp_path: Path, cli: Any
) -> None:
    words = ("predict", run.path, many, "--answers", tmp_path / "answers", "--shard", 10, "--quiet", "--share", "1/2")
    assert cli(*words).code == 1
    (tmp_path / "answers" / "part-000002.parquet").unlink()
    with claimed(tmp_path / "answers", "part-000002.parquet", otherwise=False):
        said = cli(*words)
    assert "40 images in 4 parts of 5; the others are predicted elsewhere" in said.out
    assert "50 images in 5 parts" in cli(*words).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shard", "8"), "has parts of 7 images. Received: --shard 8"),
        (("--shard", "7", "--top", "2"), "has answers of --top 1. Received: --top 2"),
        (("--shard", "7", "-o", "x.csv"), "--answers writes Parquet files, without --format, -o"),
        (("--shard", "7", "--on", "mars"), "work cannot run on 'mars'"),
    ],
)
def test_another_question_is_refused(
    words: tuple[str, ...], sentence: str, run: greycard.Run, many: Path, tmp_path: Path, cli: Any
) -> None:
    place = tmp_path / "answers"
    cli("predict", run.path, many / "validation", "--answers", place, "--shard", 7, "--quiet")
    before = {path: path.read_bytes() for path in place.iterdir()}
    said = cli("predict", run.path, many / "validation", "--answers", place, *words)
    assert said.code == 2
    assert sentence in said.err
    assert {path: path.read_bytes() for path in place.iterdir()} == before


def test_other_images_are_refused(run: greycard.Run, many: Path, tmp_path: Path, cli: Any) -> None:
    place = tmp_path / "answers"
    cli("predict", run.path, many / "validation", "--answers", place, "--quiet")
    before = (place / MANIFEST).read_bytes()
    said = cli("predict", run.path, many / "train", "--answers", place, "--quiet")
    assert "has answers for other images: 24 then, 26 now" in said.err
    assert (place / MANIFEST).read_bytes() == before
    assert "is not a new or empty folder" in cli("predict", run.path, many, "--answers", many).err
    assert "--shard is for shards" in cli("predict", run.path, many, "--shard", "3").err


def test_a_manifest_gives_every_name_back(tmp_path: Path) -> None:
    names = ["a", "with\nline end", "é \udc80", "", 'q"uote', "b"] * 3
    shards = begin(tmp_path / "m", names, 4, JOB)
    assert [each.count for each in shards] == [4, 4, 4, 4, 2]
    assert [name for each in shards for name in names_of(tmp_path / "m", each)] == names
    assert begin(tmp_path / "m", iter(names), 4, JOB) == shards
    with pytest.raises(GreycardError, match="other images"):
        begin(tmp_path / "m", names[:-1], 4, JOB)
    assert begin(tmp_path / "none", [], 4, JOB) == []


def _start(run: Path, images: Path, answers: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(greycard.__file__).parents[1])}
    words = ("predict", str(run), str(images), "--answers", str(answers), *words)
    return subprocess.Popen(
        [sys.executable, "-m", "greycard", *words], text=True, env=environment, stdout=subprocess.PIPE
    )


def _wait(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not what():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "processes:2"])
def test_killed_twice_nothing_is_lost_and_nothing_twice(
    where: str, run: greycard.Run, many: Path, tmp_path: Path
) -> None:
    if where != "here" and find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    root = tmp_path / "linked"
    root.mkdir()
    for number in range(4000):
        os.link(many / "train" / ("dark", "light")[number % 2] / f"{number % 12:03}.jpg", root / f"{number:05}.jpg")
    for least in (2, 5):
        process = _start(run.path, root, tmp_path / "answers", "--shard", "250", "--on", where)
        _wait(lambda least=least: len(list((tmp_path / "answers").glob("part-*"))) >= least, process)
        process.kill()
        process.communicate()
    assert len(list((tmp_path / "answers").glob("part-*"))) < 16
    process = _start(run.path, root, tmp_path / "answers", "--shard", "250", "--on", where)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "4,000 images in 16 parts" in out
    found = rows(tmp_path / "answers")
    assert [row["path"] for row in found] == [str(root / f"{number:05}.jpg") for number in range(4000)]
    assert all(row["class"] in ("dark", "light") for row in found)
    names = {path.name for path in (tmp_path / "answers").iterdir() if not path.name.startswith("part-")}
    assert names == {MANIFEST, RECORD}
