"""Feature vectors in files: the model's own, of every image, in every format, and never over a user's file."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from pyarrow import parquet

import greycard
from conftest import image, make_folder
from greycard.datasets.digests import file_digest
from greycard.datasets.every_image import every_image
from greycard.embeddings import files as formats
from greycard.embeddings.embedder import feature_model
from greycard.embeddings.files import open_embeddings
from greycard.models.saved import load_model

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "pets", ("",), ("dark", "light"), 36)


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe = {"name": "pets", "image_size": 24, "conv": (8,), "dense": (16,), "backbone": None, "epochs": 1}
    dataset = greycard.load_folder(folder, val_fraction=0.5)
    return greycard.train(dataset, out=tmp_path_factory.mktemp("runs"), quiet=True, pooling="average", **recipe)


def _expected(run: greycard.Run, paths: list[Path]) -> np.ndarray:
    """By the model's stated vector, straight from Keras."""
    model = load_model(run.path)
    vectors = keras.Model(model.network.inputs[0], model.vector)
    return np.asarray(vectors.predict_on_batch(np.stack([run.classifier.decode(path) for path in paths])))


def _all(place: Path) -> tuple[list[str], list[str], list[str | None], np.ndarray]:
    rows = list(open_embeddings(place).rows())
    joined = [[value for each in rows for value in getattr(each, name)] for name in ("ids", "paths", "labels")]
    return (*joined, np.concatenate([each.vectors for each in rows]))  # type: ignore[return-value]


@pytest.mark.parametrize("ending", ["parquet", "npz"])
def test_the_file_has_the_models_vector_of_every_image(
    ending: str, run: greycard.Run, folder: Path, tmp_path: Path
) -> None:
    found = greycard.embed(run, folder, tmp_path / f"emb.{ending}", quiet=True)
    ids, paths, labels, vectors = _all(found.place)
    assert (found.images, found.left_out) == (72, ())
    assert ids == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))
    assert paths == [str(folder / id) for id in ids]
    assert labels == [Path(id).parent.name for id in ids]
    expected = _expected(run, [folder / id for id in ids])
    np.testing.assert_allclose(vectors, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(run.embed(paths[:3]), expected[:3], atol=1e-4 * np.abs(expected).max())
    about = open_embeddings(found.place).about
    assert about.network.weights == file_digest(run.model_path)
    assert (about.network.height, about.network.resize, about.network.features) == (24, "stretch", 8)
    assert about.greycard == greycard.__version__
    assert [path.name for path in tmp_path.iterdir()] == [f"emb.{ending}"]


def test_the_columns_are_what_other_programs_expect(run: greycard.Run, folder: Path, tmp_path: Path) -> None:
    greycard.embed(run, folder, tmp_path / "emb.parquet", quiet=True)
    schema = parquet.read_schema(tmp_path / "emb.parquet")
    assert schema.names == ["id", "path", "label", "embedding"]
    assert str(schema.field("embedding").type) == "fixed_size_list<element: float not null>[8]"
    assert json.loads(schema.metadata[b"greycard"])["network"]["name"] == run.name
    greycard.embed(run, folder, tmp_path / "emb.npz", quiet=True)
    with np.load(tmp_path / "emb.npz") as arrays:
        assert arrays["embeddings"].shape == (72, 8)
        assert arrays["embeddings"].dtype == np.float32
        np.testing.assert_array_equal(arrays["embeddings"], _all(tmp_path / "emb.parquet")[3])
    greycard.embed(run, folder, tmp_path / "emb.csv", quiet=True)
    with (tmp_path / "emb.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["id", "path", "label", *(f"f{number}" for number in range(8))]
    values = [[float(row[f"f{number}"]) for number in range(8)] for row in rows]
    np.testing.assert_allclose(values, _all(tmp_path / "emb.parquet")[3], rtol=1e-5)


def test_row_groups_are_written_as_images_come(
    run: greycard.Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats.parquet, "_GROUP_BYTES", 4 * 8 * 20)
    place = greycard.embed(run, folder, tmp_path / "emb.parquet", quiet=True).place
    assert parquet.ParquetFile(place).num_row_groups == 3
    assert len(_all(place)[0]) == 72


def test_bad_files_are_named_and_images_may_have_no_label(run: greycard.Run, tmp_path: Path, cli: Cli) -> None:
    loose = tmp_path / "loose"
    loose.mkdir()
    for number in range(3):
        image(number).save(loose / f"{number}.png")
    (loose / "bad.jpg").write_bytes(b"no image")
    (loose / "notes.txt").write_text("hello")
    outcome = cli("embed", run.path, loose, "-o", tmp_path / "emb.parquet", "--quiet")
    assert (outcome.code, outcome.out.strip()) == (1, str(tmp_path / "emb.parquet"))
    assert "bad.jpg" in outcome.err
    assert "notes.txt" not in outcome.err
    ids, _, labels, _ = _all(tmp_path / "emb.parquet")
    assert (ids, labels) == (["0.png", "1.png", "2.png"], [None] * 3)
    assert "label" not in parquet.read_schema(tmp_path / "emb.parquet").names


def test_no_readable_image_writes_nothing(run: greycard.Run, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.jpg").write_bytes(b"no image")
    for ending in ("parquet", "npz", "csv"):
        outcome = cli("embed", run.path, tmp_path / "bad", "-o", tmp_path / f"emb.{ending}", "--quiet")
        assert outcome.code == 2
        assert "a.jpg" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]


def test_only_greycards_own_file_is_replaced(run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli) -> None:
    words = ("embed", run.path, folder, "--quiet", "-o")
    for name in ("emb.parquet", "emb.npz", "emb.csv"):
        (tmp_path / name).write_bytes(b"mine")
        outcome = cli(*words, tmp_path / name)
        assert outcome.code == 2
        assert "is not overwritten" in outcome.err
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).write_bytes(b"")
        assert cli(*words, tmp_path / name).code == 0
        assert cli(*words, tmp_path / name).code == (2 if name == "emb.csv" else 0)
    assert cli(*words, tmp_path / "emb.txt").code == 2
    assert cli(*words, tmp_path / "none" / "emb.npz").code == 2
    assert cli(*words, tmp_path).code == 2
    if Path("/dev/null").exists():
        (tmp_path / "null.csv").symlink_to("/dev/null")
        assert cli(*words, tmp_path / "null.csv").code == 2
        assert Path("/dev/null").is_char_device()


def test_a_named_dataset_and_a_class_that_is_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()  # as the downloaded files of a named dataset in the data folder
    digits = every_image("digits", tmp_path)
    assert digits.ids[0].startswith("train/")
    assert len(set(digits.ids)) == len(digits) == len(list(digits.images))
    shutil.copytree(folder / "dark", tmp_path / "linked" / "dark")
    (tmp_path / "linked" / "light").symlink_to(folder / "light")
    (tmp_path / "linked" / "light2").mkdir()
    image(1).save(tmp_path / "linked" / "loose.png")
    found = every_image(tmp_path / "linked")
    assert len(found) == 73
    assert dict(zip(found.ids, found.labels or (), strict=True))["light/000.jpg"] == "light"
    assert found.label(found.ids.index("loose.png")) is None


def test_files_that_a_label_file_names_are_named_if_unreadable(run: greycard.Run, tmp_path: Path, cli: Cli) -> None:
    for number in range(4):
        image(number).save(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    lines = [f"{name}.png,{label}" for name, label in zip(("0", "1", "2", "3", "bad"), "aabba", strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]))
    outcome = cli("embed", run.path, tmp_path / "labels.csv", "-o", tmp_path / "emb.npz", "--quiet")
    assert (outcome.code, "bad.png" in outcome.err) == (1, True)
    assert sorted(_all(tmp_path / "emb.npz")[2]) == ["a", "a", "b", "b"]


def test_a_file_of_vectors_does_not_become_the_data_set(
    run: greycard.Run, folder: Path, tmp_path: Path, cli: Cli
) -> None:
    shutil.copytree(folder, tmp_path / "pets")
    outcome = cli("embed", run.path, tmp_path / "pets", "-o", tmp_path / "pets" / "emb.parquet", "--quiet")
    assert (outcome.code, "a place outside of it" in outcome.err) == (2, True)
    assert cli("embed", run.path, tmp_path / "pets", "-o", tmp_path / "pets" / "emb.npz", "--quiet").code == 0


def test_an_archive_without_classes_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "loose").mkdir()
    for number in range(3):
        image(number).save(tmp_path / "loose" / f"{number}.png")
    archive = shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path / "loose")
    found = every_image(archive)
    assert (len(found), found.labels) == (3, None)


def test_a_pretrained_network_by_its_name(lite0: Path, folder: Path, tmp_path: Path, cli: Cli) -> None:
    some = tmp_path / "some"
    some.mkdir()
    shutil.copy(folder / "dark" / "000.jpg", some)
    outcome = cli("embed", "EfficientNetLite0", some, "-o", tmp_path / "emb.parquet", "--quiet")
    assert outcome.code == 0, outcome.err
    stored = open_embeddings(tmp_path / "emb.parquet")
    assert (stored.about.network.weights, stored.about.network.features) == (file_digest(lite0), 1280)
    assert next(stored.rows()).vectors.shape == (1, 1280)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("EfficientNetLite0", "--weights", "none"), "random weights mean nothing"),
        (("EfficientNetLight0",), "did you mean EfficientNetLite0"),
        (("no-such-run",), "neither a run nor a pretrained network"),
        (("MobileNetV2",), "there are no weights for MobileNetV2"),
        (("EfficientNetLite0", "--map", "map.html", "-o", "emb.csv"), ".parquet or .npz"),
    ],
)
def test_mistakes_are_explained(words: tuple[str, ...], said: str, folder: Path, tmp_path: Path, cli: Cli) -> None:
    model, *more = words
    place = [] if "-o" in more else ["-o", str(tmp_path / "emb.npz")]
    outcome = cli("embed", model, folder, *place, *more)
    assert outcome.code == 2
    assert said in outcome.err
    assert "hint:" in outcome.err
    assert not list(tmp_path.glob("emb*"))


def test_versions_of_an_image_have_one_vector(folder: Path, tmp_path: Path) -> None:
    """With views, the vector is the mean of those of the image and its mirror image."""
    recipe = {"name": "v", "image_size": 24, "conv": (8,), "dense": (8,), "backbone": None, "epochs": 1}
    run = greycard.train(greycard.load_folder(folder), out=tmp_path, quiet=True, views="flip", **recipe)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), dtype=np.uint8)
    found = feature_model(load_model(run.path))
    assert found is not None
    mirrored = found.predict_on_batch(pixels[:, :, ::-1].copy())
    np.testing.assert_allclose(found.predict_on_batch(pixels), mirrored, atol=1e-4)
    assert found.output_shape[0] is None
    assert len(mirrored) == 4


def test_numbers_are_no_images(tmp_path: Path, cli: Cli) -> None:
    run = greycard.train("house-prices", epochs=1, out=tmp_path, quiet=True)
    outcome = cli("embed", run.path, "digits", "-o", tmp_path / "emb.npz", "--quiet")
    assert outcome.code == 2
    assert "takes numbers, not images" in outcome.err


def test_too_few_images_for_tsne_are_told_before_any_work(run: greycard.Run, cli: Any, tmp_path: Path) -> None:
    few = make_folder(tmp_path / "few", ("",), ("dark", "light"), 2)
    options = ("-o", tmp_path / "emb.npz", "--map", tmp_path / "map.html", "--projection", "tsne")
    said = cli("embed", run.path, few, *options)
    assert (said.code, "--projection tsne needs at least 10 images. Received: 4" in said.err) == (2, True)
    assert not (tmp_path / "emb.npz").exists()
