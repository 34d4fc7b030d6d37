"""The nearest images: those that the vectors say, found in a folder and in a file; copies are marked."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.embeddings.nearest import nearest
from greycard.embeddings.network import Network
from greycard.embeddings.table import About, Rows
from greycard.jobs.embedding_map import embedding_map
from greycard.storage.parts import RECORD

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, and a copy of an image in the other class."""
    root = make_folder(tmp_path_factory.mktemp("data") / "pets", ("",), ("dark", "light"), 12)
    shutil.copy(root / "dark" / "003.jpg", root / "light" / "copy.jpg")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe = {"name": "pets", "image_size": 24, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 1}
    return greycard.train(greycard.load_folder(folder), out=tmp_path_factory.mktemp("runs"), quiet=True, **recipe)


@pytest.fixture
def parts(run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli) -> Path:
    """The vectors of the folder in three parts."""
    place = tmp_path / "vectors"
    said = cli("embed", run.path, folder, "--answers", place, "--shard", 10, "--quiet")
    assert said.code == 0, said.err
    assert sum(path.suffix == ".parquet" for path in place.iterdir()) == 3
    return place


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 7))
def test_the_parts_do_not_matter(seed: int, count: int, part: int) -> None:
    random = np.random.default_rng(seed)
    vectors, queries = random.normal(size=(10, 4)).astype(np.float32), random.normal(size=(2, 4)).astype(np.float32)
    vectors[3] = 0
    ids = [str(number) for number in range(10)]
    parts = [
        Rows(
            ids[at : at + part],
            [""] * len(ids[at : at + part]),
            [None] * len(ids[at : at + part]),
            vectors[at : at + part],
        )
        for at in range(0, 10, part)
    ]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[3] = 1
    cosines = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ (vectors / lengths).T
    for query, found in enumerate(nearest(queries, [None, None], parts, count)):
        expected = np.argsort(-cosines[query], kind="stable")[:count]
        assert [each.id for each in found] == [ids[at] for at in expected]
        np.testing.assert_allclose([each.similarity for each in found], cosines[query][expected], atol=1e-6)


def test_a_copy_comes_first_and_the_image_itself_is_left_out(run: greycard.Run, folder: Path) -> None:
    found = run.similar(folder / "dark" / "003.jpg", folder, 5)
    assert len(found) == 5
    assert (found[0].id, found[0].label, found[0].is_same) == ("light/copy.jpg", "light", True)
    assert not any(each.id == "dark/003.jpg" or each.is_same for each in found[1:])
    similarities = [each.similarity for each in found]
    assert similarities == sorted(similarities, reverse=True)
    own = run.embed([folder / "dark" / "003.jpg", folder / found[1].id]).astype(float)
    cosine = own[0] @ own[1] / np.linalg.norm(own[0]) / np.linalg.norm(own[1])
    assert found[1].similarity == pytest.approx(cosine, abs=1e-6)


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_a_file_gives_the_same_as_the_folder(
    ending: str, run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli
) -> None:
    place = greycard.embed(run, folder, tmp_path / f"emb.{ending}", quiet=True).place
    words = ("similar", run.path, folder / "dark" / "001.jpg", folder / "light" / "001.jpg")
    options = ("-k", "3", "--format", "csv", "--quiet")
    with_file, with_folder = cli(*words, place, *options), cli(*words, folder, *options)
    assert (with_file.code, with_folder.code) == (0, 0), with_file.err
    assert with_file.out == with_folder.out
    rows = list(csv.DictReader(io.StringIO(with_file.out)))
    assert len(rows) == 6
    assert all(Path(row["path"]).is_file() for row in rows)


def test_lines_objects_and_a_page(run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli) -> None:
    query, page = folder / "dark" / "003.jpg", tmp_path / "similar.html"
    outcome = cli("similar", run.path, query, folder, "-k", "2", "--sheet", page, "--quiet")
    assert outcome.code == 0, outcome.err
    first, second = (line.split("\t") for line in outcome.out.splitlines())
    assert first == [str(folder / "light" / "copy.jpg"), "1.0000", "same"]
    assert len(second) == 2
    text = page.read_text()
    assert text.count('src="data:image/jpeg') == 3
    assert "light/copy.jpg" in text
    assert cli("similar", run.path, query, folder, "--sheet", page, "--quiet").code == 0  # our own page is replaced
    objects = cli("similar", run.path, query, folder, "-k", "1", "--format", "jsonl", "--quiet").out.splitlines()
    assert json.loads(objects[0])["same"] is True


def test_vectors_of_another_network_are_refused(
    run: greycard.Run, folder: Path, parts: Path, tmp_path: Path, cli: Cli
) -> None:
    place = greycard.embed(run, folder, tmp_path / "emb.npz", quiet=True).place
    recipe = {"name": "pets", "image_size": 20, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 1}
    other = greycard.train(greycard.load_folder(folder), out=tmp_path, quiet=True, **recipe)
    outcome = cli("similar", other.path, folder / "dark" / "001.jpg", place, "--quiet")
    assert outcome.code == 2
    assert "has vectors of pets-1 (" in outcome.err
    assert f"`greycard embed {other.path} FOLDER -o {place}`" in outcome.err
    outcome = cli("similar", other.path, folder / "dark" / "001.jpg", parts, "--quiet")
    assert f"{parts} has vectors of pets-1 (" in outcome.err
    assert f"`greycard embed {other.path} FOLDER --answers DIR`" in outcome.err
    moved = tmp_path / "renamed"
    shutil.copytree(run.path, moved)  # the same model in another folder
    assert cli("similar", moved, folder / "dark" / "001.jpg", place, "--quiet").code == 0


def test_mistakes_are_explained(run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    for query, said in ((folder / "dark", "is a folder"), ("nowhere.jpg", "does not exist")):
        outcome = cli("similar", run.path, query, folder)
        assert (outcome.code, said in outcome.err) == (2, True)
    outcome = cli("similar", run.path, tmp_path / "bad.jpg", folder, "--quiet")
    assert (outcome.code, "bad.jpg cannot be used" in outcome.err) == (2, True)
    place = greycard.embed(run, folder, tmp_path / "emb.npz", quiet=True).place
    content = place.read_bytes()
    place.write_bytes(content[: len(content) - 200])
    with pytest.raises(GreycardError):
        run.similar(folder / "dark" / "001.jpg", place)


def test_of_equally_similar_images_the_first_come(run: greycard.Run) -> None:
    vectors = np.array([[0, 1], [1, 0], [1, 0], [1, 1], [1, 0], [1, 0]], np.float32)
    names = [str(number) for number in range(len(vectors))]
    rows = Rows(names, [""] * len(names), [None] * len(names), vectors)
    (found,) = nearest(np.array([[1, 0]], np.float32), [None], [rows], 3)
    assert [each.id for each in found] == ["1", "2", "4"]


def test_a_hint_has_the_runs_path_and_says_what_a_csv_of_vectors_is_for(
    run: greycard.Run, folder: Path, cli: Cli, tmp_path: Path
) -> None:
    place = tmp_path / "emb.csv"
    greycard.embed(run, folder, place, quiet=True)
    said = cli("similar", run.path, folder / "dark" / "003.jpg", place)
    assert (said.code, "does not read vectors in CSV files" in said.err) == (2, True)
    assert f"hint: `greycard embed {run.path} FOLDER -o {place.with_suffix('.npz')}`" in said.err


def test_a_folder_of_parts_gives_the_same_as_the_folder_of_images(
    run: greycard.Run, folder: Path, parts: Path, cli: Cli
) -> None:
    words = ("similar", run.path, folder / "dark" / "003.jpg", folder / "light" / "001.jpg")
    options = ("-k", "30", "--quiet")  # of all parts
    with_parts, with_folder = cli(*words, parts, *options), cli(*words, folder, *options)
    assert (with_parts.code, with_folder.code) == (0, 0), with_parts.err
    assert with_parts.out == with_folder.out
    assert len(with_parts.out.splitlines()) == 48  # each but itself
    assert run.similar(folder / "dark" / "003.jpg", parts, 1)[0].path == str(folder / "light" / "copy.jpg")


def test_the_image_itself_is_left_out_under_any_of_its_names(
    run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (tmp_path / "list.txt").write_text("./dark/001.jpg\nlight/../dark/002.jpg\n")
    assert cli("embed", run.path, tmp_path / "list.txt", "--answers", tmp_path / "v", "--quiet").code == 0
    found = cli("similar", run.path, "dark/002.jpg", tmp_path / "v", "--format", "jsonl", "--quiet")
    assert [json.loads(line)["path"] for line in found.out.splitlines()] == [str(folder / "dark" / "001.jpg")]


def test_an_unfinished_folder_is_refused(run: greycard.Run, folder: Path, parts: Path, cli: Cli) -> None:
    (parts / "part-000001.parquet").unlink()
    said = cli("similar", run.path, folder / "dark" / "001.jpg", parts)
    assert said.code == 2
    assert said.err == (
        f"error: {parts} is unfinished: it has 2 of 3 parts\nhint: run the command that began it again: it continues\n"
    )


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("another network", "part-000002.parquet has vectors of other (968 features"),
        ("no metadata", "part-000002.parquet has no feature vectors; expected parts with feature vectors"),
        ("another schema", "part-000002.parquet cannot be read: its metadata is not of schema 1"),
        ("cut", "part-000002.parquet cannot be read: "),
        ("record", f"{RECORD} in "),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(
    damage: str, sentence: str, run: greycard.Run, folder: Path, parts: Path, cli: Cli
) -> None:
    part = parts / "part-000002.parquet"
    about = json.loads(parquet.read_schema(part).metadata[b"greycard"])
    changed = {
        "another network": about | {"network": about["network"] | {"name": "other", "weights": "0" * 64}},
        "another schema": about | {"schema": 2},
    }
    if damage == "record":
        (parts / RECORD).write_text("{}")
    elif damage == "cut":
        part.write_bytes(part.read_bytes()[:-100])
    else:
        metadata = {"greycard": json.dumps(changed[damage])} if damage in changed else {}
        parquet.write_table(parquet.read_table(part).replace_schema_metadata(metadata), part)
    said = cli("similar", run.path, folder / "dark" / "001.jpg", parts)
    assert (said.code, sentence in said.err, len(said.err.strip().splitlines())) == (2, True, 2), said.err


def test_a_map_is_drawn_from_parts(run: greycard.Run, folder: Path, parts: Path, tmp_path: Path, cli: Cli) -> None:
    page, words = tmp_path / "map.html", ("embed", run.path, folder, "--answers", parts, "--shard", 10, "--quiet")
    said = cli(*words, "--map", page)  # nothing is computed again
    assert (said.code, said.out.splitlines()[-1]) == (0, str(page)), said.err
    assert page.read_text().count("data:image/jpeg") == 25
    assert "25 images" in page.read_text()
    said = cli(*words, "--map", page, "--share", "0/2")
    assert (said.code, "--map needs the vectors of all shares" in said.err) == (2, True)


class _Many:
    """Vectors in 40 parts of 1 MB."""

    address, count = "many", 40_000
    about = About(Network("many", "0" * 64, 8, 8, 3, "stretch", 2, 250), "0", labelled=False)

    def rows(self) -> Iterator[Rows]:
        names, random = [""] * 1000, np.random.default_rng(0)
        yield from (Rows(names, names, [None] * 1000, random.random((1000, 250), np.float32)) for _ in range(40))

    def again(self, model: object) -> str:
        return ""


def test_a_map_of_many_parts_keeps_few_of_their_vectors() -> None:
    embedding_map(_Many(), "imported", "pca")
    tracemalloc.start()
    try:
        assert "1,000 of 40,000 images" in embedding_map(_Many(), "many", "pca")
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()
