"""Named datasets: found as they lie, verified by content, named when something is wrong with them."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import greycard
from conftest import make_folder, pet_images, sign_language
from greycard.core.errors import GreycardError
from greycard.datasets.arrays import read_idx
from greycard.datasets.catalog import CATALOG, entry
from greycard.datasets.digests import known_files
from greycard.datasets.load import is_here

DOWNLOADED = [item.name for item in CATALOG if item.kind != "embedded"]


@pytest.mark.parametrize(
    ("name", "train", "validation", "classes"),
    [
        ("mnist", 60_000, 10_000, 10),
        ("fashion-mnist", 60_000, 10_000, 10),
        ("horse-or-human", 1_027, 256, 2),
        ("cats-and-dogs-filtered", 2_000, 1_000, 2),
    ],
)
def test_real_data_is_found_and_verified(name: str, train: int, validation: int, classes: int, real_data: Path) -> None:
    dataset = greycard.load_dataset(name, real_data)
    assert (len(dataset.train), len(dataset.validation), len(dataset.classes)) == (train, validation, classes)
    assert not dataset.left_out
    assert not dataset.notes
    assert is_here(name, real_data)


def test_digits_and_house_prices_come_along() -> None:
    digits = greycard.load_dataset("digits")
    assert (len(digits.train), len(digits.validation)) == (1438, 359)
    assert isinstance(digits.train.images, np.ndarray)
    assert digits.train.images.max() == 255
    prices = greycard.load_dataset("house-prices")
    assert prices.train.labels.tolist() == [1.0, 2.0, 3.0, 4.5, 5.5]


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_missing_dataset_says_what_to_put_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(GreycardError) as caught:
        greycard.load_dataset(name, tmp_path)
    message = str(caught.value)
    wanted = entry(name)
    assert str(tmp_path / wanted.folder) in message
    for item in wanted.downloads:
        assert item.url in message
        assert item.sha256 is None or item.sha256 in message
    assert "hint:" in message


def test_catalog_entries_are_complete() -> None:
    for item in CATALOG:
        assert item.licence
        assert item.title
        assert item.kind == "embedded" or item.downloads or item.by_hand
        for download in item.downloads:
            assert re.fullmatch(r"https?://\S+\.(zip|gz|npz)", download.url)
            assert download.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", download.sha256)


def test_known_files_have_the_published_counts() -> None:
    cats, horses = known_files("cats-and-dogs-filtered"), known_files("horse-or-human")
    assert (len(cats), len(horses)) == (3_000, 1_283)


def _copy(real_data: Path, name: str, to: Path) -> Path:
    return Path(shutil.copytree(real_data / name, to / name))


def test_a_truncated_idx_file_is_named(real_data: Path, tmp_path: Path) -> None:
    folder = _copy(real_data, "fashion-mnist", tmp_path)
    images = folder / "train-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:100_000])
    with pytest.raises(GreycardError, match=r"train-images-idx3-ubyte\.gz is truncated or damaged"):
        greycard.load_dataset("fashion-mnist", tmp_path)


def test_a_wrong_array_is_named(real_data: Path, tmp_path: Path) -> None:
    folder = _copy(real_data, "fashion-mnist", tmp_path)
    labels = folder / "t10k-labels-idx1-ubyte.gz"
    data = bytearray(gzip.decompress(labels.read_bytes()))
    data[-1] ^= 1
    labels.write_bytes(gzip.compress(bytes(data)))
    with pytest.raises(GreycardError, match=r"t10k-labels-idx1-ubyte\.gz is not what was published"):
        greycard.load_dataset("fashion-mnist", tmp_path)


def test_a_truncated_npz_is_named(real_data: Path, tmp_path: Path) -> None:
    whole = (real_data / "mnist" / "mnist.npz").read_bytes()
    (tmp_path / "mnist.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(GreycardError, match=r"mnist\.npz is truncated or damaged"):
        greycard.load_dataset("mnist", tmp_path)


def test_uncompressed_files_beside_the_folder_are_found(real_data: Path, tmp_path: Path) -> None:
    for packed in (real_data / "fashion-mnist").glob("*.gz"):
        (tmp_path / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    assert len(greycard.load_dataset("fashion-mnist", tmp_path).train) == 60_000


def test_a_changed_photograph_is_named(real_data: Path, tmp_path: Path) -> None:
    folder = _copy(real_data, "cats_and_dogs_filtered", tmp_path)
    cats = sorted((folder / "train" / "cats").iterdir())
    cats[0].write_bytes(cats[1].read_bytes())
    cats[2].unlink()
    with pytest.raises(GreycardError) as caught:
        greycard.load_dataset("cats-and-dogs-filtered", tmp_path)
    assert f"cats/{cats[0].name} (damaged or changed)" in str(caught.value)
    assert f"cats/{cats[2].name} (missing)" in str(caught.value)


def test_an_idx_file_with_less_data_than_its_header_states(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(b"\0\0\x08\x01\0\0\0\x09abc")
    with pytest.raises(GreycardError, match="states 9 bytes, but the file has 3"):
        read_idx([path] * 4)


def test_the_official_archive_of_horses_has_another_layout(tmp_path: Path) -> None:
    for top in ("horse-or-human", "validation-horse-or-human"):
        make_folder(tmp_path / top, ("",), ("horses", "humans"), 2)
    dataset = greycard.load_dataset("horse-or-human", tmp_path)
    assert (len(dataset.train), len(dataset.validation)) == (4, 4)
    assert "as published has 1,283 images; 8 usable images were found" in dataset.notes[0]


@pytest.mark.parametrize("layout", ["", "cats-vs-dogs", "kagglecatsanddogs_5340"])
def test_the_full_cats_and_dogs_are_split_per_class(layout: str, tmp_path: Path) -> None:
    pet_images(tmp_path / layout, count=19)
    dataset = greycard.load_dataset("cats-vs-dogs", tmp_path, val_fraction=0.1)
    assert dataset.classes == ("Cat", "Dog")
    assert np.bincount(dataset.train.labels).tolist() == [18, 18]
    assert np.bincount(dataset.validation.labels).tolist() == [2, 2]
    assert sorted(item.id for item in dataset.left_out) == ["Cat/666.jpg", "Dog/11702.jpg"]


def test_sign_language_csv_files_are_read(tmp_path: Path) -> None:
    dataset = greycard.load_dataset("sign-language-mnist", sign_language(tmp_path / "sign-language-mnist").parent)
    assert len(dataset.classes) == 26
    assert isinstance(dataset.train.images, np.ndarray)
    assert dataset.train.images.shape == (60, 28, 28)
    assert set(dataset.train.labels) <= {0, 1, 2, 24}


@pytest.mark.parametrize("content", ["", "label,pixel1\n", "label,a\n1,2,x\n", "label\n1\n", "label,p\n1,999\n"])
def test_a_damaged_csv_is_named(content: str, tmp_path: Path) -> None:
    sign_language(tmp_path)
    (tmp_path / "sign_mnist_test.csv").write_text(content)
    with pytest.raises(GreycardError, match=r"sign_mnist_test\.csv is truncated or damaged"):
        greycard.load_dataset("sign-language-mnist", tmp_path)


def test_an_unknown_dataset_names_the_known(cli) -> None:
    outcome = cli("fetch", "imagenet")
    assert outcome.code == 2
    assert "fashion-mnist" in outcome.err


def test_a_data_dir_that_is_not_there(cli) -> None:
    outcome = cli("run", "mnist-cnn", "--data-dir", "nowhere")
    assert outcome.code == 2
    assert "--data-dir names a folder that does not exist" in outcome.err
