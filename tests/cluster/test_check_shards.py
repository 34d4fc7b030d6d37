"""A check whose images are read in shards finds what a check in one process finds."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from greycard.audit.thumbnails import load_thumbnails
from greycard.cluster.check import folder as driver
from greycard.cluster.check.folder import survey_shards
from greycard.cluster.compute import Places
from greycard.cluster.where import HERE, Where
from greycard.core.errors import GreycardError
from greycard.core.reporter import Silent
from greycard.datasets.folders import survey_folder
from greycard.synthetic.defects import plant_defects
from greycard.synthetic.sample import write_sample
from processes import ended, start

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")

PLACES = Places(Where(HERE), 100)


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample with defects, a file that is no image, and one whose pixels are damaged."""
    folder = tmp_path_factory.mktemp("spoiled") / "pets"
    write_sample(folder, train_per_class=60, validation_per_class=25, spoil=plant_defects)
    first = next(folder.rglob("*.jpg"))
    first.with_name("cut.jpg").write_bytes(first.read_bytes()[:400])
    (first.parent / "notes.md").write_text("notes")
    return folder


def test_images_are_read_as_in_one_process(pets: Path, tmp_path: Path) -> None:
    found, thumbnails = survey_shards(str(pets), None, tmp_path / "parts", Silent(), PLACES)
    expected = survey_folder(pets)
    known = load_thumbnails(expected.dataset)
    assert (found.dataset.notes, found.dataset.left_out) == (expected.dataset.notes, expected.dataset.left_out)
    assert found.dataset.train.facts == expected.dataset.train.facts
    assert (thumbnails.ids, thumbnails.left_out) == (known.ids, known.left_out)
    for name in ("labels", "in_validation", "in_test", "colour"):
        assert np.array_equal(getattr(thumbnails, name), getattr(known, name))
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_text_is_a_name(pets: Path, tmp_path: Path) -> None:
    """On Linux any bytes are a name."""
    folder = tmp_path / "few"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number, image in enumerate(sorted(pets.rglob("*[0-9].jpg"))[:4]):
            place = os.fsencode(folder / label) + b"/\xff%d.jpg" % number
            try:
                Path(os.fsdecode(place)).write_bytes(image.read_bytes())
            except (OSError, UnicodeError):
                pytest.skip("names are text on this file system")
    found, _ = survey_shards(str(folder), None, tmp_path / "parts", Silent(), PLACES)
    assert sum(map(len, found.dataset.splits)) + len(found.dataset.left_out) == 8


def test_parts_are_kept_outside_the_images(pets: Path) -> None:
    with pytest.raises(GreycardError, match="cannot be kept among the images") as refused:
        survey_shards(str(pets), None, pets / "runs" / "pets-check-parts", Silent(), PLACES)
    assert "--out ../runs" in (refused.value.hint or "")
    assert not (pets / "runs").exists()


def test_it_continues_and_refuses_images_that_changed(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_thumbnails", _ends)
    with pytest.raises(KeyboardInterrupt):
        survey_shards(str(pets), None, tmp_path / "parts", Silent(), PLACES)
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("part-*")}
    assert parts
    with pytest.raises(KeyboardInterrupt):
        survey_shards(str(pets), None, tmp_path / "parts", Silent(), PLACES)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "parts").glob("part-*")} == parts
    changed = next(pets.rglob("*.jpg"))
    os.utime(changed, (1, 1))
    with pytest.raises(GreycardError, match=r"has changed since it was read") as refused:
        survey_shards(str(pets), None, tmp_path / "parts", Silent(), PLACES)
    assert f"remove {tmp_path / 'parts'}" in refused.value.hint


def _ends(*_: object) -> Any:
    raise KeyboardInterrupt


def test_other_data_than_folders_are_refused(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "labels.csv").write_text("path,label\na.jpg,a\n")
    if find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    said = cli("check", tmp_path / "labels.csv", "--on", "processes:2", "--out", tmp_path / "out")
    assert said.code == 2
    assert "--on reads the images of a folder or a list. Received: " in said.err
    with pytest.raises(GreycardError, match=r"Received: Dataset"):
        greycard.check(greycard.load_dataset("digits"), on="processes:2", quiet=True)


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_is_left")
def test_processes_find_the_same(pets: Path, tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    words = ("check", pets, "--format", "json", "--quiet", "--out")
    here = ended(start(*words, tmp_path / "here"))
    there = ended(start(*words, tmp_path / "there", "--on", "processes:2"))
    assert (here[0], there[0]) == (0, 0)
    assert json.loads(here[1]) == json.loads(there[1])
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["pets-check.png"]
