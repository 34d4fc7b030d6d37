"""The dataset doctor: every planted defect is found, nothing in a clean set, and what the commands print and write."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

import greycard
from conftest import make_folder
from greycard.audit.check import Report, check
from greycard.audit.duplicates import Pair, find_pairs, grouped
from greycard.audit.finding import KINDS
from greycard.audit.label_errors import find_label_errors
from greycard.audit.shift import find_shift
from greycard.audit.thumbnails import load_thumbnails
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset, Split
from greycard.synthetic.sample import write_sample


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """A sample with defects, and what was planted."""
    from greycard.synthetic.defects import plant_defects

    folder, planted = tmp_path_factory.mktemp("spoiled") / "pets", {}
    write_sample(folder, validation_per_class=25, spoil=lambda draft: planted.update(plant_defects(draft)))
    return folder, planted


@pytest.fixture(scope="module")
def report(spoiled: tuple[Path, dict[str, list[str]]]) -> Report:
    return check(greycard.load_folder(spoiled[0]))[0]


def _found(report: Report, kind: str) -> set[str]:
    return {id for each in report.findings if each.kind == kind for ids in each.groups for id in ids}


OF_SEVERAL_LABELS = {"always together", "never together", "rare labels"}
"""Found in label files only (test_label_pairs.py)."""
_OTHERS = {"not trainable", "shift", "imbalance", "suspected labels"} | OF_SEVERAL_LABELS
_BY_LOOK = [kind for kind in KINDS if kind not in _OTHERS]


@pytest.mark.parametrize("kind", _BY_LOOK)
def test_every_planted_defect_is_found(spoiled, report: Report, kind: str) -> None:
    assert set(spoiled[1][kind]) <= _found(report, kind)


def test_nothing_else_is_taken_for_a_defect(spoiled, report: Report) -> None:
    """Only the originals of copies are named besides, which lie in training and are numbered."""
    for kind in _BY_LOOK:
        besides = _found(report, kind) - set(spoiled[1][kind])
        copied = {"leakage", "duplicates", "conflicting labels"}
        assert not besides or (kind in copied and all(Path(id).stem.isdigit() for id in besides)), (kind, besides)
        assert len(besides) <= len(spoiled[1][kind])


def test_shift_and_imbalance_are_found_in_whole_parts(report: Report) -> None:
    kinds = {each.kind: each for each in report.findings}
    assert kinds["shift"].figures["low"] > 0.7
    assert "lower in validation" in kinds["shift"].sentence
    assert kinds["imbalance"].figures["rabbit"] == 20


def test_findings_are_ranked_by_gravity(report: Report) -> None:
    kinds = [each.kind for each in report.findings]
    assert kinds == [kind for kind in KINDS if kind in kinds]
    assert report.fails_strict


def test_how_images_are_the_same_is_told(report: Report) -> None:
    details = {text for each in report.findings if each.kind in ("leakage", "duplicates") for text in each.details}
    assert details == {"the same file", "the same pixels", "nearly the same", "nearly the same, mirrored"}


@pytest.mark.slow
def test_a_clean_set_of_a_thousand_has_no_finding(tmp_path: Path) -> None:
    write_sample(tmp_path / "clean", seed=3, train_per_class=250, validation_per_class=84)
    report, _ = check(greycard.load_folder(tmp_path / "clean"))
    assert report.train_images + report.val_images == 1002
    assert report.findings == ()


def _dataset(train: np.ndarray, validation: np.ndarray, labels: tuple[np.ndarray, np.ndarray]) -> Dataset:
    splits = [
        Split(tuple(f"{name}/{n}" for n in range(len(images))), part, images)
        for name, images, part in (("train", train, labels[0]), ("test", validation, labels[1]))
    ]
    return Dataset("arrays", ("a", "b"), *splits)


def _noise(count: int, seed: int, shift: int = 0) -> np.ndarray:
    """Smooth random images, uint8 (count, 28, 28)."""
    small = np.random.default_rng(seed).integers(0, 200, (count, 7, 7)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(each).resize((28, 28), Image.Resampling.BICUBIC)) for each in small]
    return np.stack(large) // 2 + np.uint8(50 + shift)


def test_arrays_are_looked_at_too() -> None:
    train, validation = _noise(60, 0), _noise(30, 1)
    validation[3], train[9] = train[5], train[8]
    report, _ = check(_dataset(train, validation, (np.arange(60) % 2, np.arange(30) % 2)))
    assert _found(report, "leakage") == {"train/5", "test/3"}
    assert _found(report, "conflicting labels") == {"train/8", "train/9"}
    assert all("the same pixels" in each.details for each in report.findings if each.kind == "leakage")


def test_numbers_are_no_images() -> None:
    with pytest.raises(GreycardError, match="has numbers"):
        check(greycard.load_dataset("house-prices"))


CHANGES = {
    "resized": lambda image: image.resize((85, 85)),
    "cropped": lambda image: image.crop((4, 2, 126, 124)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "mirrored": ImageOps.mirror,
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_and_nothing_else(tmp_path: Path, change: str) -> None:
    write_sample(tmp_path / "pets", train_per_class=12, validation_per_class=12)
    originals = sorted((tmp_path / "pets" / "train").rglob("*.jpg"))[::3]
    for number, path in enumerate(originals):
        with Image.open(path) as image:
            target = tmp_path / "pets" / "validation" / path.parent.name / f"copy{number}.jpg"
            CHANGES[change](image.copy()).save(target, quality=70)
    dataset = greycard.load_folder(tmp_path / "pets")
    thumbnails = load_thumbnails(dataset)
    found = {
        frozenset((thumbnails.ids[pair.first], thumbnails.ids[pair.second])) for pair in find_pairs(thumbnails, dataset)
    }
    expected = {
        frozenset((f"train/{path.parent.name}/{path.name}", f"validation/{path.parent.name}/copy{number}.jpg"))
        for number, path in enumerate(originals)
    }
    assert found <= expected
    assert len(found) >= 0.9 * len(expected)


def test_groups_of_pairs() -> None:
    pairs = [Pair(4, 7, "x"), Pair(1, 2, "x"), Pair(2, 9, "x"), Pair(7, 8, "x")]
    assert grouped(pairs) == [[4, 7, 8], [1, 2, 9]]


def test_one_kind_of_images_is_not_shifted_and_two_kinds_are() -> None:
    same = find_shift(_noise(150, 0)[..., None], _noise(80, 1)[..., None])
    other = find_shift(_noise(150, 0)[..., None], _noise(80, 1, shift=40)[..., None])
    assert same is not None
    assert other is not None
    assert same.low < 0.6
    assert other.low > 0.9
    assert "brightness" in other.features[0]
    assert find_shift(_noise(10, 0)[..., None], _noise(80, 1)[..., None]) is None


def test_wrong_labels_are_suspected_and_right_ones_are_not() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 60)
    points = random.normal(size=(180, 8)) + 6 * np.eye(8)[labels]
    wrong = np.array([5, 70, 150])
    given = labels.copy()
    given[wrong] = (given[wrong] + 1) % 3
    found = find_label_errors(points, given)
    assert set(found.rows) == set(wrong)
    assert list(found.instead) == list(labels[found.rows])


def test_labels_are_not_judged_by_what_does_not_tell_them() -> None:
    random = np.random.default_rng(0)
    found = find_label_errors(random.normal(size=(200, 5)), random.integers(0, 2, 200))
    assert not found.is_able
    assert len(found.rows) == 0


def test_the_command_prints_ranked_findings_and_writes_a_sheet(spoiled, cli, tmp_path: Path) -> None:
    said = cli("check", spoiled[0], "--out", tmp_path, "--quiet")
    assert said.code == 0
    assert said.out.index("leakage:") < said.out.index("duplicates:") < said.out.index("rotated:")
    assert "validation/cat/same-file.jpg" in said.out
    with Image.open(tmp_path / "pets-check.png") as sheet:
        assert sheet.width > 1000
    assert cli("check", spoiled[0], "--out", tmp_path, "--strict", "--quiet").code == 1


def test_json_has_every_finding(spoiled, cli, tmp_path: Path) -> None:
    said = cli("check", spoiled[0], "--format", "json", "--out", tmp_path, "--quiet")
    content = json.loads(said.out)
    leaks = next(each for each in content["findings"] if each["kind"] == "leakage")
    assert [image["detail"] for image in leaks["images"]].count("the same file") == 1
    assert leaks["figures"]["validation_images"] == 3


def test_a_named_dataset_is_looked_at_by_its_name(cli, tmp_path: Path) -> None:
    said = cli("check", "digits", "--strict", "--quiet", "--out", tmp_path)
    assert said.code == 0  # 8×8 pixels are too few to call two digits the same image
    assert "1,438 training and 359 validation images checked" in said.out
    assert not any(f"{kind}:" in said.out for kind in ("leakage", "duplicates", "shift", "imbalance"))


def test_planted_defects_are_listed(cli, tmp_path: Path) -> None:
    said = cli("sample", tmp_path / "bad", "--defects")
    assert said.code == 0
    planted = {line.split(":")[0] for line in said.out.splitlines()[:-1]}
    assert planted == set(KINDS) - {"not trainable"} - OF_SEVERAL_LABELS
    assert "greycard check" in said.out.splitlines()[-1]


@pytest.mark.parametrize("copies", [5, 12])
def test_a_family_of_copies_is_one_group(tmp_path: Path, copies: int) -> None:
    write_sample(tmp_path / "pets", train_per_class=12, validation_per_class=5)
    random, folder = np.random.default_rng(0), tmp_path / "pets" / "train" / "cat"
    with Image.open(folder / "000.jpg") as image:
        for number in range(copies):
            left, top = (int(value) for value in random.integers(0, 7, 2))
            image.crop((left, top, left + 121, top + 121)).save(folder / f"crop{number}.jpg", quality=80)
    dataset = greycard.load_folder(tmp_path / "pets")
    assert [len(group) for group in grouped(find_pairs(load_thumbnails(dataset), dataset))] == [copies + 1]


def _spoil_all(root: Path) -> None:
    for file in (root / "b").iterdir():
        file.write_bytes(file.read_bytes()[:40])


def _spoil_classes(root: Path) -> None:
    make_folder(root, ("train",), ("a", "b", "c"), 4)
    make_folder(root, ("val",), ("a", "d"), 4)
    (root / "train" / "a" / "000.jpg").write_bytes(b"no")


ILL = {
    "a class of damaged files": (lambda root: _spoil_all(make_folder(root, ("",), ("a", "b"), 6)), "class 'b'", 6),
    "an empty class": (lambda root: (make_folder(root, ("",), ("a", "b"), 4) / "c").mkdir(), "class 'c'", 0),
    "one class": (lambda root: make_folder(root, ("",), ("a",), 4), "a single class, 'a'", 0),
    "one image": (lambda root: make_folder(root, ("",), ("a", "b"), 1), "expected 2 or more", 0),
    "different classes": (_spoil_classes, "b, c is in train/ but not in val/", 1),
    "no training part": (lambda root: make_folder(root, ("test",), ("a", "b"), 4), "no train/", 0),
    "loose in train": (lambda root: make_folder(root, ("",), ("train",), 4), "are not in class folders", 0),
    "nothing": (lambda root: root.mkdir(), "there are no images", 0),
}


@pytest.mark.parametrize("name", ILL)
def test_what_cannot_be_trained_on_is_examined_all_the_same(name: str, cli, tmp_path: Path) -> None:
    spoil, words, unreadable = ILL[name]
    spoil(tmp_path / "ill")
    said = cli("check", tmp_path / "ill", "--format", "json", "--quiet", "--out", tmp_path)
    assert said.code == 0, said.err
    findings = json.loads(said.out)["findings"]
    assert findings[0]["kind"] == "not trainable"
    assert words in findings[0]["sentence"]
    named = [id for each in findings if each["kind"] == "unreadable" for item in each["images"] for id in item["ids"]]
    assert len(named) == unreadable
    assert cli("check", tmp_path / "ill", "--strict", "--quiet", "--out", tmp_path).code == 1
    refused = cli("train", tmp_path / "ill")
    assert refused.code == 2
    assert findings[0]["sentence"] in refused.err


def test_a_table_that_cannot_be_trained_on_is_examined(cli, tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 3)
    lines = [f"{name}/{number:03}.jpg,{name}" for name in "ab" for number in range(4)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *lines]))
    said = cli("check", tmp_path / "labels.csv", "--quiet", "--out", tmp_path)
    assert said.code == 0
    assert "not trainable: " in said.out
    assert "a/003.jpg, b/003.jpg" in said.out
    assert "6 training and 0 validation" in said.out


def test_each_file_is_decoded_twice_at_most_however_many_copies_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once small, and once whole where it may have the same pixels as another."""
    random = np.random.default_rng(1)
    small = Image.fromarray(random.integers(0, 255, (9, 12, 3), dtype=np.uint8))
    burst, large = tmp_path / "set" / "burst", small.resize((240, 180), Image.Resampling.BICUBIC)
    burst.mkdir(parents=True)
    for number in range(24):
        large.point(lambda value, number=number: min(255, int(value * (0.9 + number / 200)))).save(
            burst / f"{number}.jpg", quality=75 + number % 20
        )
    make_folder(tmp_path / "set", ("",), ("other",), 4)
    times: Counter[str] = Counter()
    load = JpegImageFile.load_end

    def counted(image: JpegImageFile) -> None:
        times[str(image.filename or id(image))] += 1
        load(image)

    monkeypatch.setattr(JpegImageFile, "load_end", counted, raising=False)
    dataset = greycard.load_folder(tmp_path / "set")
    pairs = find_pairs(load_thumbnails(dataset), dataset)
    assert len(pairs) > 50
    assert sum(times.values()) <= 2 * 28


def test_orientations_without_a_meaning_are_not_rotated(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), ("a", "b"), 4)
    for number, value in enumerate((0, 1, 9, 6)):
        exif = Image.Exif()
        exif[0x0112] = value
        Image.open(tmp_path / "a" / "000.jpg").save(tmp_path / "b" / f"00{number}.jpg", exif=exif)
    report, _ = check(greycard.load_folder(tmp_path))
    assert _found(report, "rotated") == {"b/003.jpg"}
