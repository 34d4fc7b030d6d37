"""Labels in a CSV file as people have them: columns, encodings, delimiters, quotes, paths; and each mistake."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.datasets.manifest import survey_manifest
from greycard.datasets.tables import read_table

Rows = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rows]:
    """A folder with images, and a (path, label, split) for each: 8 for training and 4 for validation."""
    base = make_folder(tmp_path_factory.mktemp("tables"), ("ab",), ("red", "blue"), 6)
    numbers = [(label, number) for label in ("red", "blue") for number in range(6)]
    return base, [
        (f"ab/{label}/{number:03}.jpg", label, "train" if number < 4 else "validation") for label, number in numbers
    ]


def _text(header: str, lines: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\n") -> str:
    return end.join([header, *(delimiter.join(line) for line in lines), ""])


def _load(base: Path, content: str | bytes, encoding: str = "utf-8", name: str = "labels.csv") -> greycard.Dataset:
    place = base / name
    place.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return greycard.load_manifest(place)


HEADERS = [
    "filename,class",
    "image,label",
    "image_id,category",
    "file_name,category",
    "id,breed",
    "Image Path,Species",
    " path , label ",
    "img,fruit",
    "File,Class Label",
]


@pytest.mark.parametrize("header", HEADERS)
def test_columns_by_the_names_people_give_them_and_a_split_that_is_made(rows, header: str) -> None:
    base, lines = rows
    dataset = _load(base, _text(header, [line[:2] for line in lines]))
    assert dataset.classes == ("blue", "red")
    assert (len(dataset.train), len(dataset.validation)) == (10, 2)
    again = greycard.load_manifest(base / "labels.csv", val_fraction=0.5, split_seed=1)
    assert len(again.validation) == 6


def test_the_names_of_classes_are_taken_before_their_numbers(rows) -> None:
    base, lines = rows
    text = _text("image,label,label_name,width", [(path, str(len(label)), label, "40") for path, label, _ in lines])
    assert _load(base, text).classes == ("blue", "red")


def test_one_column_a_class(rows) -> None:
    base, lines = rows
    text = _text(
        "image,red,blue", [(path, f"{label == 'red':d}.0", f"{label == 'blue':d}") for path, label, _ in lines]
    )
    dataset = _load(base, text)
    labels = zip(dataset.train.ids, dataset.train.labels, strict=True)
    assert {(id.split("/")[1], dataset.classes[label]) for id, label in labels} == {("red", "red"), ("blue", "blue")}
    with pytest.raises(GreycardError, match=r"line 2 .* has 2 labels"):
        _load(
            base,
            _text("image,red,blue", [(path, "1", f"{number == 0:d}") for number, (path, *_) in enumerate(40 * lines)]),
        )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n"])
def test_encodings_delimiters_and_ends_of_lines(rows, encoding: str, delimiter: str, end: str) -> None:
    base, lines = rows
    named = [(path, "café" if label == "red" else label, split) for path, label, split in lines]
    text = _text(delimiter.join(("path", "label", "split")), named, delimiter, end)
    dataset = _load(base, text, encoding)
    assert dataset.classes == ("blue", "café")
    assert (len(dataset.train), len(dataset.validation)) == (8, 4)
    assert bool(dataset.notes) == (encoding == "cp1252")


CELLS = {
    "spaces": lambda path, label, split: (f" {path}", f" {label} ", f" {split} "),
    "quotes": lambda path, label, split: (f'"{path}"', f' "{label}"', f'"{split}"'),
    "backslashes": lambda path, label, split: (path.replace("/", "\\"), label, split),
    "a dot": lambda path, label, split: (f"./{path}", label, split),
    "no ending": lambda path, label, split: (path.removesuffix(".jpg"), label, split),
    "capitals": lambda path, label, split: (path.replace(".jpg", ".JPG"), label, split),
    "parts": lambda path, label, split: (path, label, {"train": "Training_Set", "validation": "test"}[split]),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_as_people_write_them(rows, name: str) -> None:
    base, lines = rows
    dataset = _load(base, _text("path, label, split", [CELLS[name](*line) for line in lines]))
    assert dataset.classes == ("blue", "red")
    assert (len(dataset.train), len(dataset.validation)) == (8, 4)


def test_labels_are_text(rows) -> None:
    base, lines = rows
    dataset = _load(base, _text("path,label,split", [(p, "n/a" if la == "red" else "7", s) for p, la, s in lines]))
    assert dataset.classes == ("7", "n/a")


def test_files_in_a_folder_beside_the_table(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for number in range(6):
        image(number).save(tmp_path / "train" / f"img{number}.png")
    dataset = _load(
        tmp_path, _text("id,breed", [(f"img{number}", "ab"[number % 2]) for number in range(6)]), name="l.csv"
    )
    assert dataset.train.ids[0].startswith("train/img")
    assert "were found in" in dataset.notes[0]


def test_accents_in_either_form(tmp_path: Path) -> None:
    make_folder(tmp_path, ("",), (unicodedata.normalize("NFD", "é"), "x"), 3)
    lines = [(f"{name}/{number:03}.jpg", name) for name in ("é", "x") for number in range(3)]
    assert _load(tmp_path, _text("path,label", lines)).classes == ("x", "é")


def test_training_lines_alone_and_repeated_lines_are_told_of(rows) -> None:
    base, lines = rows
    alone = _load(base, _text("path,label,split", [(path, label, "train") for path, label, _ in lines]))
    assert len(alone.validation) == 2
    assert "split off" in alone.notes[0]
    twice = _load(base, _text("path,label,split", [*lines, *lines[:3]]))
    assert (len(twice.train), len(twice.validation)) == (8, 4)
    assert "3 lines repeat images" in twice.notes[0]


def test_test_lines_are_a_third_split_beside_validation_lines(rows) -> None:
    base, lines = rows
    parted = [(p, la, "test" if p.endswith("005.jpg") else s) for p, la, s in lines]
    dataset = _load(base, _text("path,label,set", parted))
    assert (len(dataset.train), len(dataset.validation)) == (8, 2)
    assert dataset.test is not None
    assert (len(dataset.test), set(dataset.test.ids) & {*dataset.train.ids, *dataset.validation.ids}) == (2, set())
    assert not dataset.notes


MISTAKES = {
    "a,b,c\n1,2,3\n": "must have a column of paths",
    "ab/red/000.jpg,red\nab/red/001.jpg,red\n": "must have a column of paths",
    "": "is empty",
    "path,label\n": "lists no images",
    "path,label,split\nab/red/000.jpg,red,monday\n": "line 2",
    "path,label,split\nab/red/000.jpg,red\n": "line 2",
    "path,label\n\nab/red/000.jpg,\n": "line 3",
    "path,label\nab/red/000.jpg,red,more\n": "line 2 .* has 3 cells",
    "path,label\nab/red/000.jpg,red\nab/red/001.jpg,blue\nab/red/000.jpg,blue\n": "lines 2 and 4 has two labels",
    "path,label\nab/red/000.jpg,red\nab/red/001.jpg,red\n": "a single label, 'red'",
    "path,label\nno.jpg,red\nC:\\x.jpg,blue\n": r"2 images that are not there: no.jpg, C:\\x.jpg \(a path from another",
    "path,label\n\0\1\2": "is not a text file",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_each_mistake_is_one_sentence(rows, text: str) -> None:
    with pytest.raises(GreycardError, match=MISTAKES[text]) as caught:
        _load(rows[0], text)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("cell", [0, 1, 2])
@pytest.mark.parametrize("closed_later", [False, True])
def test_a_quote_that_is_not_closed_names_its_line(rows, cell: int, closed_later: bool) -> None:
    base, lines = rows
    for number in (1, 5) if closed_later else (1,):
        lines = [
            tuple(f'"{value}' if (row, place) == (number, cell) else value for place, value in enumerate(line))
            for row, line in enumerate(lines)
        ]
    with pytest.raises(GreycardError, match="quotes in line 3 ") as caught:
        _load(base, _text("path,label,split", [*lines, *[("ab/red/000.jpg", "red", "train")] * 20_000]))
    assert len(str(caught.value)) < 500


def test_a_cell_of_several_lines_is_one_cell(rows) -> None:
    base, lines = rows
    text = _text("path,label,split,note", [(*line, '"two\nlines"') for line in lines])
    assert len(_load(base, text).train) == 8


def test_a_survey_holds_what_is_there(rows) -> None:
    base, lines = rows
    (base / "labels.csv").write_text(_text("path,label,split", [*lines, ("gone.jpg", "red", "train")]))
    survey = survey_manifest(base / "labels.csv")
    assert len(survey.dataset.train) == 8
    assert "gone.jpg; the first is in line 14" in survey.problems[0].args[0]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    place = tmp_path_factory.getbasetemp() / "any.csv"
    place.write_bytes(b"path,label\n" + data)
    with contextlib.suppress(GreycardError):
        survey_manifest(place)
        assert read_table(place).header[:2] == ("path", "label")
