"""One door for data: the same images are the same dataset, whatever they lie in; a third split is measured once."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.core.paths import cache_dir
from greycard.datasets.dataset import Split
from greycard.datasets.file_facts import content_digest, file_facts
from greycard.datasets.manifest import write_csv
from greycard.datasets.open import open_dataset, survey_dataset
from greycard.pipeline.array_split import load_arrays
from variants import quick_are

pytest.importorskip("pyarrow")

PARTS = ("train", "validation", "test")
SMALL: dict[str, Any] = {"image_size": 8, "conv": (), "dense": (4,), "epochs": 1, "batch_size": 8, "quiet": True}


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def _folder(root: Path, place: Path) -> Path:
    return Path(shutil.copytree(root, place / "pets"))


def _zip(root: Path, place: Path) -> Path:
    with zipfile.ZipFile(place / "pets.zip", "w") as archive:
        for path in _files(root):
            archive.write(path, path.relative_to(root).as_posix())
    return place / "pets.zip"


def _tar(root: Path, place: Path) -> Path:
    with tarfile.open(place / "pets.tar.gz", "w:gz") as archive:
        for part in PARTS:
            archive.add(root / part, part)
    return place / "pets.tar.gz"


def _label_file(root: Path, place: Path) -> Path:
    shutil.copytree(root, place, dirs_exist_ok=True)
    ids = [path.relative_to(root) for path in _files(root)]
    write_csv(place / "pets.csv", ("filename", "species", "subset"), ((str(i), i.parts[1], i.parts[0]) for i in ids))
    return place / "pets.csv"


def write_parquet(place: Path, files: list[Path], root: Path, names: tuple[str, ...] = ("dark", "light")) -> None:
    """A shard as `datasets` writes it: encoded images, and numbers with their names in the metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    feature = {"image": {"_type": "Image"}, "label": {"names": list(names), "_type": "ClassLabel"}}
    images = [{"bytes": path.read_bytes(), "path": path.relative_to(root).as_posix()} for path in files]
    labels = [names.index(path.parent.name) for path in files]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, kind), "label": pa.array(labels, pa.int64())})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": feature}})})
    place.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, place, row_group_size=3)


def _parquet(root: Path, place: Path) -> Path:
    for part in PARTS:
        write_parquet(place / "pets" / "data" / f"{part}-00000-of-00001.parquet", _files(root / part), root)
    return place / "pets"


class Listed:
    """A `Source`: bytes, paths and arrays in turn."""

    name = "pets"

    def __init__(self, root: Path) -> None:
        self.files = _files(root)
        self.ids = [path.relative_to(root).as_posix() for path in self.files]
        self.labels = [path.parent.name for path in self.files]
        self.splits = [id.split("/")[0] for id in self.ids]

    def read(self, row: int) -> bytes | Path | np.ndarray:
        path = self.files[row]
        return (path.read_bytes(), path, np.asarray(Image.open(path)))[row % 3]


KINDS: dict[str, Callable[[Path, Path], Any]] = {
    "folder": _folder,
    "zip": _zip,
    "tar.gz": _tar,
    "label file": _label_file,
    "Parquet": _parquet,
    "Source": lambda root, place: Listed(root),
}


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of PNG files in three splits."""
    root = tmp_path_factory.mktemp("pets") / "pets"
    for number, part in enumerate(PARTS):
        for label, name in enumerate(("dark", "light")):
            (root / part / name).mkdir(parents=True)
            for row in range(6 - 2 * number):
                shade = image(100 * number + 10 * label + row, 60 + 130 * label, (12, 10))
                shade.save(root / part / name / f"{row}.png")
    return root


def _is_same(one: Split, other: Split) -> bool:
    rows = np.argsort(other.ids)[np.argsort(np.argsort(one.ids))]
    pixels = [load_arrays(part, (12, 10), 3).images for part in (one, other.take(rows))]
    return sorted(one.ids) == sorted(other.ids) and np.array_equal(*pixels) and _labels(one) == _labels(other)


def _labels(split: Split) -> dict[str, int]:
    return dict(zip(split.ids, split.labels.tolist(), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_images_are_the_same_dataset(kind: str, pets: Path, tmp_path: Path) -> None:
    expected, found = open_dataset(pets), greycard.open_dataset(KINDS[kind](pets, tmp_path))
    assert (found.name, found.classes, found.sizes) == ("pets", ("dark", "light"), expected.sizes)
    assert [len(split) for split in found.splits] == [12, 8, 4]
    assert all(_is_same(*pair) for pair in zip(expected.splits, found.splits, strict=True))


@pytest.mark.parametrize("kind", quick_are(("folder", "Parquet", "Source"), KINDS))
def test_resume_and_export_find_the_data_again(kind: str, pets: Path, tmp_path: Path) -> None:
    data = KINDS[kind](pets, tmp_path)
    again = data if kind == "Source" else None
    unfinished = _unfinished(tmp_path, data)
    if kind == "Source":
        with pytest.raises(GreycardError, match="data= also takes a dataset"):
            greycard.resume(unfinished, quiet=True)
    shutil.rmtree(cache_dir(), ignore_errors=True)
    run = greycard.resume(unfinished, again, quiet=True)
    expected = open_dataset(pets)
    assert [sorted(ids) for ids in (*run.split, run.test_ids)] == [sorted(split.ids) for split in expected.splits]
    assert run.export("keras", data=again).path.is_file()


def _unfinished(place: Path, data: Any) -> Path:
    """A run that was ended before its first epoch."""
    from greycard.jobs import training_run

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_run, "_train", ended)
        with pytest.raises(KeyboardInterrupt):
            greycard.train(data, weights="none", out=place / "runs", **SMALL)
    return place / "runs" / "pets-1"


def test_test_images_are_measured_once_on_the_saved_model(pets: Path, tmp_path: Path, cli: Any) -> None:
    run = greycard.train(pets, weights="none", out=tmp_path / "runs", **SMALL)
    test = open_dataset(pets).test
    assert test is not None
    answers = [each.label for each in run.predict(test.images)]
    right = np.mean([run.classes.index(label) for label in answers] == test.labels)
    summary = run.summary
    assert (summary.test_images, summary.test_accuracy) == (4, pytest.approx(right))
    assert summary.test_loss > 0
    assert not set(test.ids) & {id for side in run.split for id in side}
    assert "test accuracy" in cli("show", run.path).out
    assert "test acc" in greycard.runs_table([run]).markdown()
    assert "test accuracy" in run.report()


def test_without_validation_test_images_are_the_validation_split(tmp_path: Path) -> None:
    dataset = open_dataset(make_folder(tmp_path / "pets", ("train", "test"), ("a", "b"), 2))
    assert (len(dataset.validation), dataset.test) == (4, None)


def test_a_class_that_only_test_images_have_is_refused(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "pets", PARTS, ("a", "b"), 2)
    shutil.rmtree(root / "test" / "b")
    assert len(open_dataset(root).splits) == 3  # it may lack one
    shutil.copytree(root / "test" / "a", root / "test" / "c")
    with pytest.raises(GreycardError, match="c is in test/ but not in train/"):
        open_dataset(root)


def test_check_finds_test_images_in_the_other_splits(pets: Path, tmp_path: Path) -> None:
    root = _folder(pets, tmp_path)
    shutil.copy(root / "train" / "dark" / "0.png", root / "test" / "dark" / "copy.png")
    shutil.copy(root / "validation" / "light" / "0.png", root / "test" / "light" / "copy.png")
    report, thumbnails = greycard.check(_zip(root, tmp_path), quiet=True)
    leaks = [finding for finding in report.findings if finding.kind == "leakage"]
    assert [finding.sentence for finding in leaks] == [
        "2 of 6 test images are also in another split (1 in training and 1 in validation): 2 pairs the same file"
    ]
    assert (report.train_images, report.val_images, report.test_images, len(thumbnails)) == (12, 8, 6, 26)


def test_split_keeps_test_images_and_names_files_only(pets: Path, tmp_path: Path, cli: Any) -> None:
    made = cli("split", pets, "-o", tmp_path / "new.csv")
    assert made.code == 0, made.err
    assert [len(split) for split in open_dataset(tmp_path / "new.csv").splits] == [16, 4, 4]
    for data in (_zip(pets, tmp_path), _parquet(pets, tmp_path)):
        refused = cli("split", data, "-o", tmp_path / "other.csv")
        assert (refused.code, "not files that a label file could name" in refused.err) == (2, True)
        assert not (tmp_path / "other.csv").exists()


def test_an_archive_is_unpacked_once_and_never_beside_it(pets: Path, tmp_path: Path, cli: Any) -> None:
    archive = _zip(pets, tmp_path)
    first, second = open_dataset(archive), open_dataset(archive)
    assert first.train.images == second.train.images
    assert [path.name for path in tmp_path.iterdir()] == ["pets.zip"]
    assert "unpacked archives" in cli("cache").out
    assert cli("cache", "clear", "unpacked").code == 0
    assert not any(path.is_file() for path in cache_dir().rglob("*.png"))
    with zipfile.ZipFile(archive, "a") as more:
        more.write(pets / "train" / "dark" / "0.png", "train/dark/another.png")
    assert len(open_dataset(archive).train) == 13


def test_class_folders_one_level_deeper_are_found(pets: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in _files(pets):
            archive.write(path, f"pets\\{path.relative_to(pets)}".replace("/", "\\"))
    dataset = open_dataset(tmp_path / "export.zip")
    assert (len(dataset.train), dataset.train.ids[0]) == (12, "pets/train/dark/0.png")
    assert str(tmp_path / "export.zip") in dataset.notes[0]
    assert "unpacked" not in dataset.notes[0]


def _text_zip(place: Path) -> Path:
    with zipfile.ZipFile(place / "text.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    return place / "text.zip"


def _empty_zip(place: Path) -> Path:
    zipfile.ZipFile(place / "empty.zip", "w").close()
    return place / "empty.zip"


def _encrypted_zip(place: Path) -> Path:
    _text_zip(place)
    content = bytearray((place / "text.zip").read_bytes())
    for head, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(head) + at] |= 1
    (place / "locked.zip").write_bytes(content)
    return place / "locked.zip"


def _no_zip(place: Path) -> Path:
    (place / "pets.zip").write_bytes(b"hello")
    return place / "pets.zip"


def _no_tar(place: Path) -> Path:
    (place / "pets.tar.gz").write_bytes(b"hello")
    return place / "pets.tar.gz"


def _leaving_tar(place: Path) -> Path:
    with tarfile.open(place / "bad.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("../outside.png"), io.BytesIO())
    return place / "bad.tar"


def _linking_tar(place: Path) -> Path:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(place / "bad.tar", "w") as archive:
        archive.addfile(link)
    return place / "bad.tar"


def _no_parquet(place: Path) -> Path:
    (place / "pets.parquet").write_bytes(b"hello")
    return place / "pets.parquet"


def _table(place: Path, columns: dict[str, list[Any]]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), place / "pets.parquet")
    return place / "pets.parquet"


FAULTS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "empty archive": (_empty_zip, "empty.zip has no files"),
    "no images": (_text_zip, "there are no images in class folders in .*text.zip"),
    "encrypted": (_encrypted_zip, "locked.zip is encrypted"),
    "not a zip": (_no_zip, "pets.zip is damaged or not a plain zip file"),
    "not a tar": (_no_tar, "pets.tar.gz is damaged or not a plain tar file"),
    "a path that leaves": (_leaving_tar, "bad.tar is not safe to unpack"),
    "a link": (_linking_tar, "bad.tar is not safe to unpack"),
    "no such archive": (lambda place: place / "pets.tar", "pets.tar does not exist"),
    "not Parquet": (_no_parquet, "pets.parquet is damaged or not a Parquet file"),
    "no images in Parquet": (lambda place: _table(place, {"label": [0], "name": ["a"]}), "no column of images"),
    "no labels": (lambda place: _table(place, {"image": [b"a"], "a": [1], "b": [2]}), "no column of labels"),
    "a label that is none": (lambda place: _table(place, {"image": [b"a"], "label": [None]}), "row 0 .* label None"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_sentence_with_a_hint_and_leaves_nothing(fault: str, tmp_path: Path, cli: Any) -> None:
    make, said = FAULTS[fault]
    data = make(tmp_path)
    with pytest.raises(GreycardError, match=said) as raised:
        open_dataset(data)
    assert raised.value.hint
    assert "cache" not in f"{raised.value.args[0]} {raised.value.hint}"
    assert not list(cache_dir().rglob("link"))
    told = cli("train", data, "--out", tmp_path / "runs")
    assert (told.code, "Traceback" in told.err) == (2, False)
    assert not (tmp_path / "runs").exists()


def test_a_label_beyond_the_class_names_is_named(pets: Path, tmp_path: Path) -> None:
    files = _files(pets / "train")
    write_parquet(tmp_path / "pets.parquet", files, pets, names=("dark", "light"))
    whole = open_dataset(tmp_path / "pets.parquet")
    assert (len(whole.train) + len(whole.validation), whole.split.val_fraction) == (12, 0.2)
    import pyarrow.parquet as parquet

    table = parquet.read_table(tmp_path / "pets.parquet")
    labels = table.column("label").to_pylist()
    labels[3] = 7
    changed = table.set_column(1, "label", [labels]).replace_schema_metadata(table.schema.metadata)
    parquet.write_table(changed, tmp_path / "pets.parquet")
    with pytest.raises(GreycardError, match=r"row 3 of .* has the label 7; expected 0 to 1"):
        open_dataset(tmp_path / "pets.parquet")


def test_without_pyarrow_the_command_is_said(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = _parquet(pets, tmp_path)
    monkeypatch.setattr("greycard.datasets.parquet.find_spec", lambda _: None)
    with pytest.raises(GreycardError, match="pyarrow") as raised:
        open_dataset(place)
    assert raised.value.hint == 'pip install "greycard[parquet]"'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ids": ["a", "a"]}, "the id 'a' twice"),
        ({"labels": ["cat"]}, "2 ids, 1 labels"),
        ({"labels": [0, 1]}, "not a string"),
        ({"splits": ["train", "somewhere"]}, "a split 'somewhere'"),
        ({"read": lambda row: "a.png"}, r"read\(0\) returned str"),
        ({"read": lambda row: np.zeros((2, 2), np.float32)}, "returned float32 array"),
    ],
)
def test_a_source_that_breaks_its_promise_is_told(change: dict[str, Any], said: str) -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    good = {"ids": ["a", "b"], "labels": ["cat", "dog"], "read": lambda row: pixels}
    with pytest.raises(GreycardError, match=said) as raised:
        open_dataset(type("Mine", (), {name: _kept(each) for name, each in (good | change).items()})())
    assert raised.value.hint


def _kept(value: Any) -> Any:
    return staticmethod(value) if callable(value) else value


def test_a_survey_of_a_source_says_what_is_wrong(pets: Path) -> None:
    source = Listed(pets)
    source.labels = ["dark"] * len(source.labels)
    found = survey_dataset(source)
    assert "a single label, 'dark'" in str(found.problems[0])
    assert len(found.dataset.train) == 12


def test_one_pass_says_all_of_a_file(tmp_path: Path) -> None:
    turned = image(1, size=(20, 30))
    turned.getexif()[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=turned.getexif())
    facts = file_facts(tmp_path / "turned.jpg")
    assert (facts.format, facts.mode, facts.width, facts.height) == ("JPEG", "RGB", 30, 20)
    assert (facts.orientation, facts.size) == (6, (30, 20))
    assert facts.digest == content_digest(tmp_path / "turned.jpg")


def test_a_file_that_changed_after_the_pass_is_read_again(pets: Path, tmp_path: Path) -> None:
    root = _folder(pets, tmp_path)
    dataset = open_dataset(root)
    before = load_arrays(dataset.train, (12, 10), 3)
    image(99, 250, (12, 10)).save(dataset.train.images[0])
    after = load_arrays(dataset.train, (12, 10), 3)
    assert before.digest != after.digest
    assert not np.array_equal(before.images[0], after.images[0])
    assert np.array_equal(before.images[1:], after.images[1:])
