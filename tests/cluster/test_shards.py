"""Predictions and features in shards: those of one file, each image once, whole files only, bad files named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import greycard
from conftest import make_folder
from greycard.cluster import predict as driver
from greycard.cluster.shards import begin, names_of
from greycard.core.errors import GreycardError
from greycard.embeddings.files import open_embeddings
from greycard.storage.claims import claimed
from greycard.storage.folders import LocalFolder
from greycard.storage.parts import MANIFEST, RECORD
from processes import ended, start, wait

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")


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
    from pyarrow import dataset

    said = cli("predict", run.path, many, "--answers", tmp_path / "answers", "--shard", 7, "--quiet")
    assert said.code == 1
    assert f"{tmp_path / 'answers'}: 50 images in 8 parts, 1 could not be read" in said.out
    assert "broken.jpg: " in said.out
    assert_same(rows(tmp_path / "answers"), expected)
    assert dataset.dataset(tmp_path / "answers").to_table().to_pylist() == rows(tmp_path / "answers")
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
    assert "40 images in 4 parts of 5; the others belong to other processes" in said.out
    assert "50 images in 5 parts" in cli(*words).out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--shard", "8"), "has parts of 7 images. Received: 8\nhint: --shard 7"),
        (("--shard", "7", "--top", "2"), "has parts of --top 1. Received: --top 2"),
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
    assert "has parts of other images: 24 then, 26 now" in said.err
    assert (place / MANIFEST).read_bytes() == before
    assert "is not a new or empty folder" in cli("predict", run.path, many, "--answers", many).err
    assert "--shard is for shards" in cli("predict", run.path, many, "--shard", "3").err


def test_a_manifest_gives_every_name_back(tmp_path: Path) -> None:
    names, work = ["a", "with\nline end", "é \udc80", "", 'q"uote', "b"] * 3, ["something"]
    folder = LocalFolder(tmp_path / "m")
    shards = begin(folder, names, 4, work)
    assert [each.count for each in shards] == [4, 4, 4, 4, 2]
    assert [name for each in shards for name in names_of(folder, each)] == names
    assert begin(folder, iter(names), 4, work) == shards
    with pytest.raises(GreycardError, match="other images"):
        begin(folder, names[:-1], 4, work)
    with pytest.raises(GreycardError, match=r"has parts of something\. Received: something else"):
        begin(folder, names, 4, ["something else"])
    assert begin(LocalFolder(tmp_path / "none"), [], 4, work) == []
    assert [each.count for each in begin(LocalFolder(tmp_path / "even"), names[:8], 4, work)] == [4, 4]


def test_shards_of_features_have_the_vectors_of_one_file(
    run: greycard.Run, many: Path, tmp_path: Path, cli: Any
) -> None:
    whole = greycard.embed(run, many, tmp_path / "all.parquet", quiet=True).place
    place = tmp_path / "vectors"
    for _ in range(2):  # the second call computes nothing
        said = cli("embed", run.path, many, "--answers", place, "--shard", 20, "--quiet")
        assert said.code == 1
        assert f"{place}: 50 images in 3 parts, 1 could not be read" in said.out
        assert "broken.jpg: not an image" in said.out
    from pyarrow import parquet

    found, expected = rows(place), parquet.read_table(whole).to_pylist()
    assert [Path(row["path"]) for row in found] == [Path(row["path"]) for row in expected]
    assert [row["id"] for row in found] == [row["path"] for row in found]
    for one, other in zip(found, expected, strict=True):
        assert one["embedding"] == pytest.approx(other["embedding"], abs=1e-4)
    part = place / "part-000000.parquet"
    assert parquet.read_schema(part).field("embedding") == parquet.read_schema(whole).field("embedding")
    assert open_embeddings(part).about.network == open_embeddings(whole).about.network
    assert "has parts of features by " in cli("predict", run.path, many, "--answers", place, "--shard", 20).err
    assert "choose one" in cli("embed", run.path, many, "--answers", place, "-o", tmp_path / "x.npz").err
    assert "-o emb.parquet" in cli("embed", run.path, many).err


def test_python_computes_what_the_commands_do(
    run: greycard.Run, many: Path, expected: list[dict[str, Any]], tmp_path: Path, cli: Any
) -> None:
    from pyarrow import parquet

    place, names = tmp_path / "answers", [row["path"] for row in expected][::-1]
    found = greycard.predict_shards(run.path, many, place, top=2, shard=20, quiet=True)
    assert repr(found) == f"Parts('{place}', 50 images in 3 parts, 1 could not be read)"
    assert_same([row for file in found.files for row in parquet.read_table(file).to_pylist()], expected)
    said = cli("predict", run.path, many, "--answers", place, "--top", 2, "--shard", 20, "--quiet")  # it continues
    assert said.out.splitlines()[0] == f"{place}: 50 images in 3 parts, 1 could not be read"
    vectors = greycard.embed_shards(run, map(Path, names), tmp_path / "vectors", share=(0, 2), quiet=True)
    assert (vectors.images, vectors.bad, vectors.planned) == (50, 1, 1)
    assert [row["id"] for row in rows(tmp_path / "vectors")] == [name for name in names if "broken" not in name]


def test_a_run_below_the_home_folder_is_found(
    run: greycard.Run, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(run.path.parent))
    monkeypatch.setenv("USERPROFILE", str(run.path.parent))
    named, dark = f"~/{run.name}", many / "validation" / "dark"
    whole = greycard.embed(named, dark, tmp_path / "all.npz", quiet=True)
    assert greycard.embed_shards(named, dark, tmp_path / "vectors", quiet=True).images == whole.images


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"shard": 0}, "a shard has 1 image or more. Received: 0"),
        ({"share": (2, 2)}, "share i/n needs 0 ≤ i < n. Received: 2/2"),
        ({"on": "mars"}, "work cannot run on 'mars'"),
        ({"images": None}, "expected image files, by their names. Received: None"),
        ({"images": ["film.mp4"]}, "expected image files, by their names. Received: film.mp4"),
        ({"answers": None}, "a folder must be a path. Received: NoneType"),
        ({"run": "no-run"}, "no-run is not a run"),
        ({"images": []}, "there are no images in the list of names"),
        ({"images": "names.csv"}, "names.csv is no image; expected a list of names as .txt or .parquet"),
        ({"images": "gcs://photos/2026"}, "gcs://photos/2026 is in no storage that Greycard knows"),
        ({"images": "s3a://photos/list.txt"}, "s3a://photos/list.txt is in no storage that Greycard knows"),
        ({"answers": "s3:/answers"}, "s3:/answers is in no storage that Greycard knows"),
        ({"answers": Path("gs://answers")}, "gs:/answers is in no storage that Greycard knows"),
        ({"answers": "s3://"}, "s3:// has no bucket"),
        ({"top": 0}, "top must be 1 or more. Received: 0"),
        ({"top": "2"}, "top must be a whole number. Received: '2'"),
        ({"unsure": 7}, "unsure must be between 0 and 1. Received: 7"),
        ({"sets": "0.9"}, "sets must be a finite number. Received: '0.9'"),
    ],
)
def test_a_mistake_in_python_is_one_sentence(
    options: dict[str, Any], sentence: str, run: greycard.Run, many: Path, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"run": run, "images": many, "answers": tmp_path / "a", "quiet": True} | options
    with pytest.raises(GreycardError) as error:
        greycard.predict_shards(**arguments)
    assert sentence in str(error.value)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a.jpg\n".encode("utf-16"), "list.txt cannot be read: it is not text in UTF-8"),  # as PowerShell writes it
        (b"\n", "there are no images in "),
    ],
)
def test_a_list_without_names_is_told(
    content: bytes, sentence: str, run: greycard.Run, tmp_path: Path, cli: Any
) -> None:
    (tmp_path / "list.txt").write_bytes(content)
    said = cli("predict", run.path, tmp_path / "list.txt", "--answers", tmp_path / "a")
    assert (said.code, sentence in said.err) == (2, True), said.err
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("ending", ["txt", "parquet"])
def test_a_list_of_names_is_predicted_in_its_order(
    ending: str, run: greycard.Run, many: Path, tmp_path: Path, cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyarrow import parquet, table

    monkeypatch.chdir(many)
    names = [
        "train/light/003.jpg",
        str(many / "train" / "dark" / "001.jpg"),
        'train/dark/a "quoted", é.jpg',
        "none.jpg",
    ]
    place = tmp_path / f"list.{ending}"
    if ending == "txt":
        place.write_text("\r\n".join(names), encoding="utf-8-sig")  # as Notepad writes it
    else:
        parquet.write_table(table({"label": ["a"] * 4, "path": names}), place)
    assert cli("predict", run.path, place, "--answers", tmp_path / "answers", "--quiet").code == 1
    found = rows(tmp_path / "answers")
    assert [row["path"] for row in found] == names
    assert [row["class"] for row in found] == [*(each.answer for each in run.predict(names[:3])), None]
    parquet.write_table(table({"file": names}), tmp_path / "other.parquet")
    said = cli("predict", run.path, tmp_path / "other.parquet", "--answers", "more")
    assert "has no column `path`. Received: file" in said.err
    assert "the list list.txt does not exist" in cli("predict", run.path, "list.txt", "--answers", "more").err
    assert not Path("more").exists()


def test_parts_of_another_size_are_refused_with_the_callers_hint(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "parts")
    begin(folder, ["a", "b"], 1, ["something"])
    with pytest.raises(GreycardError) as error:
        begin(folder, ["a", "b"], 2, ["something"], "remove it")
    assert error.value.hint == "remove it"


@pytest.mark.parametrize("left", [(RECORD,), (f".incomplete-0123abcd-{MANIFEST}",)])
def test_a_kill_in_the_beginning_is_continued(left: tuple[str, ...], tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path / "parts")
    shards = begin(folder, ["a", "b"], 1, ["something"])
    record = (tmp_path / "parts" / RECORD).read_bytes()
    for path in list((tmp_path / "parts").iterdir()):
        path.unlink()
    for name in left:
        (tmp_path / "parts" / name).write_bytes(record)
    assert begin(folder, ["a", "b"], 1, ["something"]) == shards
    assert names_of(folder, shards[1]) == ["b"]


@pytest.mark.parametrize(
    "words",
    [
        ("train", "s3://x/y"),
        ("split", "gs://x/y"),
        ("embed", "RUN", "s3://x", "-o", "a.npz"),
        ("predict", "RUN", "s3://x"),
    ],
)
def test_other_commands_say_that_remote_storage_is_for_shards(
    words: tuple[str, ...], run: greycard.Run, cli: Any
) -> None:
    said = cli(*(run.path if word == "RUN" else word for word in words))
    assert said.code == 2
    assert "--answers" in said.err.partition("hint: ")[2]


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_is_left")
def test_killed_twice_nothing_is_lost_and_nothing_twice(run: greycard.Run, many: Path, tmp_path: Path) -> None:
    root = tmp_path / "linked"
    root.mkdir()
    for number in range(4000):
        os.link(many / "train" / ("dark", "light")[number % 2] / f"{number % 12:03}.jpg", root / f"{number:05}.jpg")
    words = ("predict", run.path, root, "--answers", tmp_path / "answers", "--shard", "250")
    for least in (2, 5):
        process = start(*words)
        wait(lambda least=least: len(list((tmp_path / "answers").glob("part-*"))) >= least, process)
        process.kill()
        process.communicate()
    assert len(list((tmp_path / "answers").glob("part-*"))) < 16
    code, out, _ = ended(start(*words))
    assert code == 0
    assert "4,000 images in 16 parts" in out
    found = rows(tmp_path / "answers")
    assert [row["path"] for row in found] == [str(root / f"{number:05}.jpg") for number in range(4000)]
    assert all(row["class"] in ("dark", "light") for row in found)
    names = {path.name for path in (tmp_path / "answers").iterdir() if not path.name.startswith("part-")}
    assert names == {MANIFEST, RECORD}
