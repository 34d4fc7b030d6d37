"""Whatever a command writes, what the user has stays: files, folders, links and pipes, with every byte in them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import greycard
from conftest import image, make_folder
from greycard.core.atomic_files import atomic_path, remove_drafts
from greycard.core.output_files import made_by_greycard

PRECIOUS = b"the only copy\n"
WRITERS: dict[str, tuple[str, Callable[[Path, Path, Path], tuple[str | Path, ...]]]] = {
    "report": ("page.html", lambda run, data, place: ("report", run, "-o", place)),
    "split": ("split.csv", lambda run, data, place: ("split", data, "-o", place)),
    "quarantine": ("bad.csv", lambda run, data, place: ("split", data, "-o", "new.csv", "--quarantine", place)),
    "links": ("links", lambda run, data, place: ("split", data, "--links", place)),
    "export a file": (
        "m.keras",
        lambda run, data, place: ("export", run, "--data", data, "--format", "keras", "-o", place),
    ),
    "export a folder": (
        "m",
        lambda run, data, place: ("export", run, "--data", data, "--format", "saved-model", "-o", place),
    ),
    "predict": ("answers.csv", lambda run, data, place: ("predict", run, data, "-o", place)),
    "predict a gallery": ("look", lambda run, data, place: ("predict", run, data, "--gallery", place)),
    "sample": ("pets", lambda run, data, place: ("sample", place)),
    "check": ("images-check.png", lambda run, data, place: ("check", data, "--out", place.parent)),
    "show": ("images-augmented.png", lambda run, data, place: ("show", data, "--augmented", "--out", place.parent)),
}


def _a_file(place: Path) -> None:
    place.write_bytes(PRECIOUS)


def _a_folder(place: Path) -> None:
    place.mkdir()
    (place / "notes.txt").write_bytes(PRECIOUS)


def _a_link_to_a_file(place: Path) -> None:
    (place.parent / "mine.txt").write_bytes(PRECIOUS)
    place.symlink_to("mine.txt")


def _a_link_to_a_folder(place: Path) -> None:
    _a_folder(place.parent / "mine")
    place.symlink_to("mine")


KINDS = (_a_file, _a_folder, _a_link_to_a_file, _a_link_to_a_folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes; two images twice, so that `check` has something to draw."""
    root = make_folder(tmp_path_factory.mktemp("data") / "images", ("train", "validation"), ("dark", "light"), 6)
    (root / "train" / "dark" / "again.jpg").write_bytes((root / "train" / "dark" / "000.jpg").read_bytes())
    return root


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    changes = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}
    trained = greycard.train(data, weights="none", out=tmp_path_factory.mktemp("runs"), quiet=True, **changes)
    return trained.path


def _all_there(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder: content of files, targets of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[path.relative_to(folder).as_posix()] = content
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_there_already_stays(writer: str, kind: Callable[[Path], None], run: Path, data: Path, cli) -> None:
    name, words = WRITERS[writer]
    folder = Path("out").absolute()
    folder.mkdir()
    kind(folder / name)
    before = _all_there(folder)
    said = cli(*words(run, data, folder / name))
    assert before.items() <= _all_there(folder).items()
    assert said.code == 2
    assert "hint:" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("writer", ["report", "split", "links", "export a file", "check"])
def test_a_file_in_the_place_of_the_folder(writer: str, run: Path, data: Path, cli) -> None:
    name, words = WRITERS[writer]
    Path("out").write_bytes(PRECIOUS)
    said = cli(*words(run, data, Path("out", name)))
    assert (said.code, Path("out").read_bytes()) == (2, PRECIOUS)
    assert "out" in said.err
    assert ".incomplete" not in said.err


@pytest.mark.parametrize("writer", ["report", "split"])
def test_a_missing_folder_is_named(writer: str, run: Path, data: Path, cli) -> None:
    name, words = WRITERS[writer]
    said = cli(*words(run, data, Path("no-such", name)))
    assert (said.code, Path("no-such").exists()) == (2, False)
    assert f"the folder of no-such/{name} does not exist" in said.err


def test_a_page_is_written_anew_through_links_and_into_pipes(run: Path, cli) -> None:
    assert cli("report", run, "-o", "both.html").code == 0
    Path("link.html").symlink_to("both.html")
    Path("both.html").write_bytes(Path("both.html").read_bytes() + b"<!-- an older one -->")
    assert cli("report", run, "-o", "link.html").code == 0
    assert Path("link.html").is_symlink()
    assert b"an older one" not in Path("both.html").read_bytes()
    os.mkfifo("pipe")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(Path("pipe").read_bytes()))
    reader.start()
    assert cli("report", run, "-o", "pipe").code == 0
    reader.join()
    assert received[0].startswith(b"<!doctype html>")
    assert Path("pipe").is_fifo()


@pytest.mark.parametrize("own", ["summary.json", "model.keras", "history.jsonl"])
def test_a_report_is_no_reason_to_lose_a_runs_file(own: str, run: Path, cli) -> None:
    before = (run / own).read_bytes()
    assert cli("report", run, "-o", run / own).code == 2
    assert (run / own).read_bytes() == before


def test_an_export_that_was_changed_is_no_earlier_export(run: Path, data: Path, cli) -> None:
    words = ("export", run, "--data", data, "--quiet", "--format")
    for form, place in (("keras", Path("m.keras")), ("saved-model", Path("m"))):
        for _ in range(2):
            assert cli(*words, form, "-o", place).code == 0
        added = place if form == "keras" else place / "notes.txt"
        added.write_bytes(PRECIOUS)
        said = cli(*words, form, "-o", place)
        assert (said.code, added.read_bytes()) == (2, PRECIOUS), said.err
    Path("n.keras.refused.json").write_bytes(PRECIOUS)
    assert cli(*words, "keras", "-o", "n.keras").code == 2
    assert Path("n.keras.refused.json").read_bytes() == PRECIOUS


@pytest.mark.slow
def test_every_image_has_an_explanation_of_its_own(run: Path, cli) -> None:
    names = ("a.png", "a.bmp", "A.png", "one/x-y.png", "one-x/y.png", "ü ø.png", f"{'long' * 60}.png")
    for number, name in enumerate(names):
        Path(name).parent.mkdir(exist_ok=True)
        image(number).save(name)
    said = [cli("explain", run, *names).out, *(cli("explain", run, name).out for name in names[:2])]
    first = [line for line in said[0].splitlines() if line.endswith("-heat.png")]
    assert len(set(first)) == len(names)
    assert [first[0] in said[1], first[1] in said[2]] == [True, True]  # the same image again takes its own place
    mine = run / "explain" / "b-heat.png"
    mine.write_bytes(PRECIOUS)
    image(9).save("b.png")
    assert cli("explain", run, "b.png").code == 0
    assert mine.read_bytes() == PRECIOUS
    assert made_by_greycard(run / "explain" / "b-png-heat.png")


def test_a_folder_like_a_runs_checkpoints_is_not_one(run: Path, data: Path, cli) -> None:
    """Other tools write a checkpoint/ beside a summary.json, too."""
    for name in ("checkpoint/weights.checkpoint", "summary.json", "checkpoint/lock"):
        file = Path("runs", "theirs", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(PRECIOUS)
    before = _all_there(Path("runs"))
    fast = ("--set", "image_size=16", "--set", "conv=4", "--weights", "none", "--quiet", "--epochs", "1")
    assert cli("train", data, *fast).code == 0
    assert before.items() <= _all_there(Path("runs")).items()


def test_an_empty_folder_is_filled_and_not_replaced(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("greycard.synthetic.sample.CLASSES", ("cat",))
    Path("pets").mkdir()
    before = Path("pets").stat().st_ino
    assert cli("sample", "pets").code == 0
    assert Path("pets").stat().st_ino == before
    assert Path("pets", "train", "cat", "000.jpg").is_file()


def test_a_draft_never_takes_a_folders_place(tmp_path: Path) -> None:
    _a_folder(tmp_path / "there")
    for write in (lambda draft: draft.write_bytes(b"new"), lambda draft: draft.mkdir()):
        with pytest.raises(OSError, match="there"), atomic_path(tmp_path / "there") as draft:
            write(draft)
    assert _all_there(tmp_path) == {"there": None, "there/notes.txt": PRECIOUS}
    (tmp_path / "empty").mkdir()
    with pytest.raises(IsADirectoryError), atomic_path(tmp_path / "empty") as draft:
        draft.mkdir()
    full = OSError(28, "No space left on device")  # as it comes out of a write: without a name
    with pytest.raises(OSError, match=r"No space left on device: .*/new"), atomic_path(tmp_path / "new"):
        raise full
    with atomic_path(tmp_path / ("n" * 250)) as draft:
        draft.write_bytes(b"a name that has no room for another word")


def test_only_drafts_of_the_name_are_removed(tmp_path: Path) -> None:
    own = {".incomplete-0123abcd-two-check", ".incomplete-0123abcd-two-check.replaced"}
    others = {".incomplete-0123abcd-my-two-check", ".incomplete-0123abcd-my-two-check.replaced", "two-check"}
    for name in own | others:
        (tmp_path / name).mkdir()
    remove_drafts(tmp_path, "two-check")
    assert {path.name for path in tmp_path.iterdir()} == others
    remove_drafts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["two-check"]
