"""A check of a list of images finds what the check of a folder finds, in parts of any size, also after kills."""

from __future__ import annotations

import io
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from greycard.audit.content import near_empty
from greycard.audit.duplicates import find_pairs, grouped, surest_pairs
from greycard.audit.files import FILE_KINDS, file_findings, named_facts, unreadable
from greycard.audit.list_report import ListReport
from greycard.audit.thumbnails import Thumbnails, load_thumbnails
from greycard.cluster import file_units
from greycard.cluster.check import exact, listing, near, readings
from greycard.cluster.check.folder import alone
from greycard.cluster.check.image_list import list_of
from greycard.cluster.check.many import check_list
from greycard.cluster.where import HERE, Where
from greycard.core import atomic_files
from greycard.core.errors import GreycardError
from greycard.core.reporter import Silent
from greycard.datasets.folders import survey_folder
from greycard.datasets.survey import Survey
from greycard.synthetic.defects import plant_defects
from greycard.synthetic.sample import write_sample
from greycard.training.interruption import InterruptedRunError
from processes import ended, start_python

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")

FILES = ["duplicates.parquet", "files.parquet", "unreadable.parquet"]


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """A sample with defects, and a file whose pixels are damaged."""
    folder = tmp_path_factory.mktemp("spoiled") / "pets"
    write_sample(folder, train_per_class=24, validation_per_class=12, spoil=plant_defects)
    first = next(folder.rglob("*.jpg"))
    first.with_name("cut.jpg").write_bytes(first.read_bytes()[:400])
    return survey_folder(folder)


@pytest.fixture(scope="module")
def names(pets: Survey) -> list[str]:
    """The paths of its images, those that cannot be read between the others."""
    root = Path(pets.dataset.train.images[0]).parents[2]
    good = [str(path) for split in pets.dataset.splits for path in split.images]
    for number, item in enumerate(pets.dataset.left_out):
        good.insert(7 * number, str(root / item.id))
    return good


@pytest.fixture(scope="module")
def found(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[ListReport, Path]:
    """The report of a check in this process, and the folder of its files."""
    out = tmp_path_factory.mktemp("found")
    report, _ = check_list(names, "pets", out, Where(HERE), Silent())
    assert sorted(path.name for path in out.iterdir()) == ["pets-check"]
    return report, out / "pets-check"


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    from pyarrow import parquet

    return parquet.read_table(folder / name).to_pylist()


def groups_of(rows: Iterable[dict[str, Any]]) -> set[frozenset[tuple[str, str]]]:
    """The groups: the names of their images, and how each is the same as another."""
    groups = defaultdict(set)
    for row in rows:
        groups[row["group"]].add((row["path"], row["how"]))
    return {frozenset(each) for each in groups.values()}


@pytest.fixture(scope="module")
def thumbnails(pets: Survey) -> Thumbnails:
    return load_thumbnails(pets.dataset)


def test_duplicates_are_those_of_a_folder(pets: Survey, thumbnails: Thumbnails, found: tuple[ListReport, Path]) -> None:
    pairs = find_pairs(thumbnails, pets.dataset)
    path_of = {id: str(path) for each in pets.dataset.splits for id, path in zip(each.ids, each.images, strict=True)}
    surest = surest_pairs(pairs)
    expected = {frozenset((path_of[thumbnails.ids[row]], surest[row].words) for row in rows) for rows in grouped(pairs)}
    assert len(expected) > 5
    duplicates = rows(found[1], "duplicates.parquet")
    assert groups_of(duplicates) == expected
    assert [row["group"] for row in duplicates] == sorted(row["group"] for row in duplicates)
    assert all(row["distance"] == 0 for row in duplicates if row["how"] == "the same file")


def test_other_findings_are_those_of_a_folder(
    pets: Survey, thumbnails: Thumbnails, found: tuple[ListReport, Path]
) -> None:
    report, folder = found
    root = Path(pets.dataset.train.images[0]).parents[2]
    facts = [each for split in pets.dataset.splits for each in named_facts(split)]
    of_folder = [near_empty(thumbnails), unreadable(pets.dataset.left_out + thumbnails.left_out), *file_findings(facts)]
    expected = {each.kind: each for each in of_folder if each}
    assert set(expected) == set(FILE_KINDS)
    of_list = {each.kind: each for each in report.findings}
    assert set(of_list) == {*expected, "duplicates"}
    listed = defaultdict(set)
    for row in rows(folder, "files.parquet"):
        listed[row["kind"]].add((row["path"], row["detail"]))
    listed["unreadable"] = {(row["path"], row["error"]) for row in rows(folder, "unreadable.parquet")}
    for kind, finding in expected.items():
        ids = [str(root / id) for (id,) in finding.groups]
        assert listed[kind] == set(zip(ids, finding.details or [""] * len(ids), strict=True))
        assert of_list[kind].count == len(ids)
        assert of_list[kind].next_step == finding.next_step


def test_a_report_has_some_images_of_each_finding_with_thumbnails(names: list[str], tmp_path: Path) -> None:
    few = [names[1]] * 30
    report, thumbnails = check_list(few, "few", tmp_path, Where(HERE), Silent())
    (finding,) = report.findings
    assert finding.groups == [(names[1],) * 4]
    assert finding.details == ["the same file; 30 images"]
    assert finding.sentence == "29 images repeated: 29 pairs the same file"
    assert thumbnails.ids == (names[1],) * 4
    assert len(rows(report.folder, "duplicates.parquet")) == 30


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few images in each group of rows, unit of work and bucket."""
    monkeypatch.setattr(readings, "_GROUP", 4)
    monkeypatch.setattr(listing, "TOGETHER", 3)
    monkeypatch.setattr(exact, "BUCKET", 25)
    monkeypatch.setattr(exact, "_TOGETHER", 2)


def assert_same(one: Path, other: Path) -> None:
    assert sorted(path.name for path in one.iterdir()) == FILES
    for name in FILES[1:]:
        assert rows(one, name) == rows(other, name)
    assert groups_of(rows(one, FILES[0])) == groups_of(rows(other, FILES[0]))


def test_the_size_of_parts_and_buckets_changes_nothing(
    names: list[str], found: tuple[ListReport, Path], tmp_path: Path, small: None
) -> None:
    report, _ = check_list(names, "pets", tmp_path, Where(HERE), Silent(), shard=16)
    assert_same(report.folder, found[1])
    assert report.findings == found[0].findings


def test_it_continues_after_an_interruption_at_any_unit(
    names: list[str], tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call writes a single file more, and no image is read twice."""
    few = [*names[:20], *names[:3]]
    whole, _ = check_list(few, "whole", tmp_path, Where(HERE), Silent(), shard=4)
    known, read = file_units._write, []

    def once(task: Any) -> None:
        known(task)
        raise KeyboardInterrupt

    monkeypatch.setattr(file_units, "_write", once)
    read_one = readings._read
    monkeypatch.setattr(readings, "_read", lambda image: (read.append(image), read_one(image))[1])
    hints: list[str | None] = []
    report = None
    while report is None:
        assert not (tmp_path / "cut-check").exists()
        try:
            report, _ = check_list(few, "cut", tmp_path, Where(HERE), Silent(), shard=4)
        except InterruptedRunError as stop:
            hints.append(stop.hint)
    assert len(hints) >= 7  # two units each of remarks, splits and points; joins
    assert set(hints) == {"the same command continues it"}
    assert len(read) == len(few)
    assert_same(report.folder, whole.folder)
    assert not (tmp_path / "cut-check-parts").exists()


def test_an_interrupted_removal_leaves_nothing_that_the_next_call_stumbles_over(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(atomic_files.shutil, "rmtree", _ends)
        with pytest.raises(KeyboardInterrupt):
            check_list(names[:5], "few", tmp_path, Where(HERE), Silent())
    assert (tmp_path / "few-check").is_dir()
    check_list(names[:6], "few", tmp_path, Where(HERE), Silent())
    assert [path.name for path in tmp_path.iterdir()] == ["few-check"]


def test_images_of_another_list_are_refused(names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_units, "_write", _ends)
    with pytest.raises(InterruptedRunError):
        check_list(names[:5], "few", tmp_path, Where(HERE), Silent())
    with pytest.raises(GreycardError, match="has parts of other images") as refused:
        check_list(names[:6], "few", tmp_path, Where(HERE), Silent())
    assert refused.value.hint == (
        f"--out names another folder; or remove {tmp_path / 'few-check-parts'}, and run it again"
    )


def test_one_process_checks_at_a_time(names: list[str], tmp_path: Path) -> None:
    reads = "another process reads images into .*few-check-parts"
    with alone(tmp_path / "few-check-parts"), pytest.raises(GreycardError, match=reads):
        check_list(names[:5], "few", tmp_path, Where(HERE), Silent())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("missing", [1, 30])
def test_near_duplicates_are_found_among_unreadable_files(
    names: list[str], found: tuple[ListReport, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: int
) -> None:
    """Every n-th name is of an image, as in a folder with other files beside each image."""
    monkeypatch.setattr(near, "SAMPLE", 20)
    duplicates = [row["path"] for row in rows(found[1], "duplicates.parquet") if row["how"] == "nearly the same"]
    chosen = sorted({*duplicates, *names[40:50]})
    few = [each for number, name in enumerate(chosen) for each in (*[f"{number}.txt"] * missing, name)]
    report, _ = check_list(few, "few", tmp_path, Where(HERE), Silent())
    assert {row["path"] for row in rows(report.folder, "duplicates.parquet")} >= set(duplicates)


def _ends(*_: object) -> None:
    raise KeyboardInterrupt


def test_lists_of_no_one_and_unreadable_images(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(GreycardError, match="none names no images"):
        check_list([], "none", tmp_path, Where(HERE), Silent())
    assert not list(tmp_path.iterdir())
    one, _ = check_list([names[1]], "one", tmp_path, Where(HERE), Silent())
    assert (one.images, one.findings) == (1, ())
    bad, thumbnails = check_list(["no such file.jpg", "null\0byte.jpg"], "bad", tmp_path, Where(HERE), Silent())
    assert [finding.sentence for finding in bad.findings] == ["2 files cannot be read"]
    assert len(thumbnails) == 0
    assert rows(bad.folder, "unreadable.parquet") == [
        {"path": "no such file.jpg", "error": "No such file or directory"},
        {"path": "null\0byte.jpg", "error": "embedded null byte"},
    ]


def test_names_that_are_no_text_and_names_with_line_ends(tmp_path: Path) -> None:
    """On Linux any bytes are a name; images with the same pixels in other files are decoded whole by their names."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8))
    files = [os.fsdecode(b"\xff.png"), "two\nlines.png", "plain.png"]
    try:
        for level, name in enumerate(files):
            image.save(name, compress_level=9 * (level % 2))
    except (OSError, UnicodeError):
        pytest.skip("names are text on this file system")
    report, _ = greycard.check(files, out=tmp_path, quiet=True)
    assert isinstance(report, ListReport)
    found = {row["path"]: row["how"] for row in rows(report.folder, "duplicates.parquet")}
    assert found == {
        "\\udcff.png": "the same pixels",
        "two\nlines.png": "the same pixels",
        "plain.png": "the same file",
    }


def test_the_command_prints_findings_and_writes_files(names: list[str], tmp_path: Path, cli: Any) -> None:
    place = tmp_path / "some.txt"
    place.write_text("\n".join([*names[:12], *names[:2]]))
    words = ("check", place, "--out", tmp_path / "out", "--quiet")
    said = cli(*words)
    assert said.code == 0
    assert said.out.startswith("some: 14 images checked\n")
    assert "unreadable: " in said.out
    assert (tmp_path / "out" / "some-check.png").is_file()
    assert sorted(path.name for path in (tmp_path / "out" / "some-check").iterdir()) == FILES
    again = cli(*words, "--strict", "--format", "json")
    content = json.loads(again.out)
    assert again.code == 1
    assert (content["images"], content["folder"]) == (14, str(tmp_path / "out" / "some-check"))


def test_mistakes_are_one_sentence(names: list[str], tmp_path: Path, cli: Any) -> None:
    place = tmp_path / "some.txt"
    place.write_text(names[1])
    said = cli("check", place, "--weights", "imagenet", "--out", tmp_path)
    assert (said.code, "a list of images has none" in said.err) == (2, True)
    said = cli("check", place, "--data-dir", tmp_path, "--out", tmp_path)
    assert (said.code, "a list names images\nhint: leave out --data-dir" in said.err) == (2, True)
    (tmp_path / "some-check").mkdir()
    (tmp_path / "some-check" / "mine.txt").write_text("mine")
    said = cli("check", place, "--out", tmp_path)
    assert (said.code, "was not written by a check" in said.err) == (2, True)
    assert (tmp_path / "some-check" / "mine.txt").read_text() == "mine"
    said = cli("check", tmp_path / "none.txt", "--out", tmp_path)
    assert (said.code, "none.txt does not exist" in said.err) == (2, True)


def test_files_of_others_are_not_replaced(names: list[str], tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    check_list(names[1:2], "one", tmp_path, Where(HERE), Silent())
    of_check = parquet.read_table(tmp_path / "one-check" / "duplicates.parquet")
    of_embed = pa.table({"id": ["a"]}).replace_schema_metadata({"greycard": "{}"})
    for name, table in (("chosen.parquet", of_check), ("files.parquet", of_embed)):
        place = tmp_path / "one-check" / name
        kept = place.read_bytes() if place.exists() else None
        parquet.write_table(table, place)
        with pytest.raises(GreycardError, match=f"{name} was not written by a check"):
            check_list(names[1:2], "one", tmp_path, Where(HERE), Silent())
        place.write_bytes(kept) if kept else place.unlink()


def test_without_pyarrow_the_hint_is_of_what_a_check_can_do(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("greycard.deploy.answers.parquet.find_spec", lambda _: None)
    with pytest.raises(GreycardError, match="needs pyarrow") as raised:
        greycard.check(names, out=tmp_path, quiet=True)
    assert raised.value.hint == 'pip install "greycard[parquet]"'
    assert not list(tmp_path.iterdir())


def test_a_video_in_a_list_is_unreadable_on_all_ways_in(
    names: list[str], tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    film, place = tmp_path / "film.mp4", tmp_path / "images.txt"
    film.write_bytes(b"no image")
    listed = [str(film), *names[1:3]]
    place.write_text("\n".join(listed))
    assert cli("check", place, "--out", tmp_path / "file", "--quiet").code == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(place.read_text()))
    assert cli("check", "-", "--out", tmp_path / "stdin", "--quiet").code == 0
    greycard.check(listed, out=tmp_path / "python", quiet=True)
    for way, name in (("file", "images"), ("stdin", "stdin"), ("python", "images")):
        assert str(film) in [row["path"] for row in rows(tmp_path / way / f"{name}-check", "unreadable.parquet")]


def test_which_words_are_lists(names: list[str], tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"path": names, "size": range(len(names))}), tmp_path / "list.parquet")
    parquet.write_table(pa.table({"path": names, "sha256": [b"digest"] * len(names)}), tmp_path / "digests.parquet")
    parquet.write_table(pa.table({"path": ["a"], "image": [b"png"]}), tmp_path / "images.parquet")
    for name in ("list", "digests"):
        listed = list_of(tmp_path / f"{name}.parquet")
        assert listed is not None
        assert (listed.name, list(listed.names)) == (name, names)
    for other in ("images.parquet", "none.parquet", "labels.csv", "."):
        assert list_of(tmp_path / other) is None
    with pytest.raises(GreycardError, match="expected image files, by their names"):
        greycard.check([1, 2], out=tmp_path, quiet=True)  # type: ignore[list-item]


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_is_left")
def test_processes_find_the_same(names: list[str], found: tuple[ListReport, Path], tmp_path: Path) -> None:
    if find_spec("ray") is None:
        pytest.skip("needs Ray (the extra `ray`)")
    python = f"import greycard; greycard.check({names!r}, on='processes:2', out={str(tmp_path)!r})"
    assert ended(start_python("-c", python))[0] == 0
    assert_same(tmp_path / "images-check", found[1])
