"""Files of answers: every form reads back what was written, and continues after a cut at any byte."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.core.errors import GreycardError
from greycard.datasets.columns import read_lines
from greycard.datasets.tables import read_table
from greycard.deploy.answers.answer import Answer, as_text, least_sure
from greycard.deploy.answers.file import ENDINGS, answers_file, read_answers
from greycard.deploy.answers.job import Job, Question, job_path

ASKED = Question(2, sets=0.9, unsure=0.6)
JOB = Job("pets-1", "0" * 64, ASKED, "/images")
NAMES = ("a.jpg", 'with "quotes", commas.jpg', "two\nlines.jpg", "çedilla ü.png", "=1+1.jpg", "-x.jpg", "\udcff.jpg")


def _answers(names: Sequence[str] = NAMES) -> list[Answer]:
    found = []
    for number, name in enumerate(names):
        first = round(0.5 + number / 100, 6)
        pairs = (("cat, or dog", first), ("rabbit", round(1 - first, 6)))
        refused, strangeness = number % 2 == 0, number / 8
        good = Answer(name, "cat, or dog", first, pairs, None, refused, strangeness, ("cat, or dog",), refused)
        found.append(Answer(name, "", 0.0, (), "not an image") if number % 3 == 1 else good)
    return found


def _write(place: Path, answers: Sequence[Answer], job: Job = JOB) -> None:
    with answers_file(place, job) as file:
        for answer in answers:
            if not file.has(answer.path):
                file.append(answer)
        file.finish()


def _changed(**fields: object) -> Job:
    """The job with other fields, or with another question."""
    if fields.keys() & {"run", "model", "folder"}:
        return replace(JOB, **fields)  # type: ignore[arg-type]
    return replace(JOB, question=replace(ASKED, **fields))  # type: ignore[arg-type]


def _rounded(answer: Answer) -> Answer:
    pairs = tuple((label, round(value, 5)) for label, value in answer.ranked)
    return replace(
        answer, path=as_text(answer.path), probability=round(answer.probability, 5), ranked=pairs, one_of=None
    )


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_has_what_was_written_and_takes_no_answer_twice(tmp_path: Path, ending: str) -> None:
    place, answers = tmp_path / f"answers{ending}", _answers()
    _write(place, answers[:3])
    _write(place, answers)
    _write(place, answers)
    found = [_rounded(each) for each in read_answers(place, ASKED)]
    assert found == [_rounded(each) for each in answers]
    assert sorted(path.name for path in tmp_path.iterdir()) == [place.name, job_path(place).name]


LABELS = ("cat, or dog", "class", "split")
LISTS = Job("pets-1", "0" * 64, Question(unsure=0.6, labels=LABELS), "/images")


def _lists() -> list[Answer]:
    """Both labels, one, none, and a file that is not an image; the labels have names of other columns."""
    sets = (LABELS[:2], LABELS[2:], ())
    pairs = tuple((label, 0.25 * (place + 1)) for place, label in enumerate(LABELS))
    found = [Answer(f"{n}.jpg", "", least_sure(each, pairs), pairs, labels=each) for n, each in enumerate(sets)]
    return [*found, Answer("bad.jpg", "", 0.0, (), "not an image")]


@pytest.mark.parametrize("ending", ENDINGS)
def test_lists_of_labels_are_read_back(tmp_path: Path, ending: str) -> None:
    place = tmp_path / f"answers{ending}"
    _write(place, _lists(), LISTS)
    assert [_rounded(each) for each in read_answers(place, LISTS.question)] == [_rounded(each) for each in _lists()]
    assert [each.probability for each in _lists()] == [0.25, 0.5, 0.25, 0.0]


def test_a_label_file_of_answers_has_lists_and_a_probability_for_each_label(tmp_path: Path) -> None:
    place = tmp_path / "answers.csv"
    _write(place, _lists(), LISTS)
    with place.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    named = [f"probability_{name}" for name in LABELS]
    assert rows[0] == ["path", "labels", *named, "error", "refused", "strangeness", "review"]
    assert [row[1] for row in rows[1:]] == ["cat, or dog;class", "split", "none", ""]
    lines = read_lines(read_table(_without_the_last_line(place)))
    assert [line.label for line in lines] == [LABELS[:2], LABELS[2:], ()]
    assert all(line.split is None for line in lines)


def _without_the_last_line(place: Path) -> Path:
    place.write_text("".join(place.read_text().splitlines(keepends=True)[:-1]))
    return place


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("job", [JOB, LISTS], ids=["classes", "lists"])
def test_a_file_that_was_cut_anywhere_loses_and_repeats_nothing(tmp_path: Path, ending: str, job: Job) -> None:
    place, answers = tmp_path / f"answers{ending}", _answers(NAMES[:4]) if job is JOB else _lists()
    with answers_file(place, job) as file:
        for answer in answers:
            file.append(answer)
    lines = next(path for path in tmp_path.iterdir() if path != job_path(place))
    whole = lines.read_bytes()
    for cut in range(0, len(whole), 5 if job is JOB else 23):
        place.unlink(missing_ok=True)
        lines.write_bytes(whole[:cut] + (b"\0" * 50 if cut % 2 else b""))  # zero bytes: after a power cut
        _write(place, answers, job)
        assert [each.path for each in read_answers(place, job.question)] == [each.path for each in answers], cut


def test_a_kill_between_the_parquet_file_and_the_end_of_its_lines_repeats_nothing(tmp_path: Path) -> None:
    place, answers = tmp_path / "answers.parquet", _answers()
    with answers_file(place, JOB) as file:
        for answer in answers[:5]:
            file.append(answer)
    lines = tmp_path / "answers.parquet.rows.jsonl"
    kept = lines.read_bytes()
    _write(place, answers[:5])
    lines.write_bytes(kept)
    with answers_file(place, JOB) as file:
        assert (len(file), file.bad) == (5, 2)
    _write(place, answers)
    assert [each.path for each in read_answers(place, ASKED)] == [as_text(name) for name in NAMES]
    assert not lines.exists()


def test_a_parquet_file_has_types(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    _write(tmp_path / "answers.parquet", _answers())
    table = parquet.read_table(tmp_path / "answers.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    words = dict.fromkeys(("path", "class", "class_2", "error"), "string")
    numbers = dict.fromkeys(("probability", "probability_2", "strangeness"), "float")
    assert kinds == words | numbers | {"refused": "bool", "review": "bool", "one_of": "list<element: string>"}
    assert table["refused"].to_pylist()[:3] == [True, None, True]
    assert table["one_of"].to_pylist()[:2] == [["cat, or dog"], None]
    assert table["probability"].to_pylist()[1] is None


def test_csv_is_what_the_terminal_prints(tmp_path: Path) -> None:
    place = tmp_path / "answers.csv"
    _write(place, _answers(["a.jpg", "b.jpg"]))
    with place.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    more = ["error", "refused", "strangeness", "one_of", "review"]
    assert rows[0] == ["path", "class", "probability", "class_2", "probability_2", *more]
    assert rows[1][1:] == ["cat, or dog", "0.500000", "rabbit", "0.500000", "", "yes", "0.000000", "cat, or dog", "yes"]
    assert rows[2] == ["b.jpg", "", "", "", "", "not an image", "", "", "", ""]


_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(st.lists(_NAMES, unique=True, max_size=6))
def test_any_name_is_read_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    for ending in (".csv", ".jsonl"):
        place = folder / f"answers{ending}"
        _write(place, _answers(names))
        _write(place, _answers(names))
        assert [as_text(each.path) for each in read_answers(place, ASKED)] == [as_text(name) for name in names]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run": "pets-2"}, "has answers of the run pets-1. Received: the run pets-2"),
        ({"model": "1" * 64}, "SHA-256 000000000000. Received: a model with the SHA-256 111111111111"),
        ({"top": 1}, "--top 2. Received: --top 1"),
        ({"every": 0.5}, "--every 1s. Received: --every 0.5s"),
        ({"refuse": "none"}, "--refuse default. Received: --refuse none"),
        ({"unsure": None}, "--unsure 0.6. Received: no --unsure"),
        ({"sets": 0.8}, "--sets 0.9. Received: --sets 0.8"),
        ({"folder": "/other"}, "image paths that start in /images. Received: image paths that start in /other"),
    ],
)
def test_answers_of_something_else_are_not_continued(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    place = tmp_path / "answers.csv"
    _write(place, _answers())
    before = place.read_bytes()
    with pytest.raises(GreycardError) as refused:
        _write(place, _answers(), _changed(**changed))
    assert said in refused.value.args[0]
    assert place.read_bytes() == before


def test_another_programs_files_stay(tmp_path: Path) -> None:
    place = tmp_path / "mine.csv"
    place.write_text("path,label\na.jpg,cat\n")
    for made in ("mine.csv", "new.csv"):
        job_path(tmp_path / "new.csv").write_text("{}")
        with pytest.raises(GreycardError, match=r"was not made by|is not a record"):
            _write(tmp_path / made, _answers())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "mine.csv": "path,label\na.jpg,cat\n",
        "new.csv.job.json": "{}",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [("answers", "must end in"), ("answers.xlsx", "must end in"), ("folder", "is a folder"), ("no/a.csv", "not exist")],
)
def test_a_place_that_cannot_be_a_file_of_answers_is_named(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(GreycardError, match=said):
        _write(tmp_path / name, _answers())
    assert os.listdir(tmp_path) == ["folder"]


def test_two_writers_never_share_a_file(tmp_path: Path) -> None:
    place = tmp_path / "answers.csv"
    with answers_file(place, JOB) as file:
        file.append(_answers()[0])
        with pytest.raises(GreycardError, match="another process writes"):
            _write(place, _answers())


@pytest.mark.parametrize(("ending", "line"), [(".csv", b"a.jpg,cat\n"), (".jsonl", b'{"label": 1}\n')])
def test_a_damaged_line_is_named_and_nothing_after_it_is_lost(tmp_path: Path, ending: str, line: bytes) -> None:
    place = tmp_path / f"answers{ending}"
    _write(place, _answers(["a.jpg", "b.jpg"]))
    lines = place.read_bytes().splitlines(keepends=True)
    place.write_bytes(b"".join([*lines[:-1], line, lines[-1]]))
    before = place.read_bytes()
    with pytest.raises(GreycardError, match=rf"line {len(lines)} of .* is damaged"):
        _write(place, _answers())
    assert place.read_bytes() == before


def test_a_file_without_answers_leaves_nothing(tmp_path: Path) -> None:
    with answers_file(tmp_path / "answers.csv", JOB):
        pass
    assert not list(tmp_path.iterdir())
