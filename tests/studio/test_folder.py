"""Labels, classes and trash: every change is a move of ordinary files, none is lost, each can be undone."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import greycard
from conftest import image
from greycard.core.errors import GreycardError
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.images import folder, history
from greycard.studio.images.folder import TRASH, ImageFolder
from greycard.studio.images.history import History, Move, Step
from greycard.studio.images.walk import image_ids


def _save(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image(seed).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three cats, one dog, one image without a label, one file that is not an image."""
    for number, name in enumerate(("cat/a.png", "cat/b.png", "cat/c.png", "dog/a.png", "new.png")):
        _save(tmp_path / "pets" / name, number)
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("soft")
    return tmp_path / "pets"


def _contents(root: Path) -> Counter[bytes]:
    """What is in the folder, wherever it is."""
    return Counter(path.read_bytes() for path in root.rglob("*.png"))


def test_a_class_is_a_folder_and_an_image_outside_has_no_label(root: Path) -> None:
    assert ImageFolder(root).images() == {
        "": ["new.png"],
        "cat": ["cat/a.png", "cat/b.png", "cat/c.png"],
        "dog": ["dog/a.png"],
    }


def test_a_class_that_another_program_makes_meanwhile_is_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def then_listed(place: Path) -> list[str]:
        _save(root / "bird" / "a.png", 7)
        return image_ids(place)

    monkeypatch.setattr(folder, "image_ids", then_listed)
    assert ImageFolder(root).images()["bird"] == ["bird/a.png"]


def test_labels_are_moves_that_can_be_undone_and_done_again_after_a_restart(root: Path) -> None:
    before, folder = ImageFolder(root).images(), ImageFolder(root)
    change = folder.label(["new.png", "cat/a.png", "dog/a.png"], "dog")
    assert change.moves == [Move("new.png", "dog/new.png"), Move("cat/a.png", "dog/a-2.png")]
    assert change.undo == "2 images to dog"
    assert greycard.load_folder(root, val_fraction=0.5).classes == ("cat", "dog")
    folder = ImageFolder(root)
    assert folder.undo().redo == "2 images to dog"
    assert folder.images() == before
    folder.redo()
    assert folder.images()["dog"] == ["dog/a-2.png", "dog/a.png", "dog/new.png"]
    folder.label(["dog/new.png"], None)
    assert folder.images()[""] == ["new.png"]
    assert folder.redo().moves == []


def test_the_trash_is_in_the_folder_and_keeps_everything(root: Path) -> None:
    folder, before = ImageFolder(root), _contents(root)
    folder.discard(["cat/a.png", "dog/a.png"])
    assert (root / TRASH / "cat" / "a.png").is_file()
    assert folder.images() == {"": ["new.png"], "cat": ["cat/b.png", "cat/c.png"], "dog": []}
    _save(root / "cat" / "a.png", 9)
    folder.discard(["cat/a.png"])
    assert (root / TRASH / "cat" / "a-2.png").is_file()
    assert sum(_contents(root).values()) == sum(before.values()) + 1
    folder.undo()
    folder.undo()  # its first image's place is free again, too
    assert folder.images()["dog"] == ["dog/a.png"]


def test_a_class_is_renamed_merged_and_removed(root: Path) -> None:
    folder = ImageFolder(root)
    folder.rename_class("dog", "hound")
    assert folder.classes() == ["cat", "hound"]
    folder.rename_class("cat", "Hound")
    assert folder.images()["hound"] == ["hound/a-2.png", "hound/a.png", "hound/b.png", "hound/c.png"]
    assert folder.classes() == ["cat", "hound"], "the folder with a note stays"
    folder.undo()
    folder.undo()
    assert folder.images()["dog"] == ["dog/a.png"]
    change = folder.remove_class("dog")
    assert "dog" not in change.classes
    assert folder.images()[""] == ["a.png", "new.png"]
    folder.add_class("  bird ")
    assert folder.images()["bird"] == []


def test_an_upload_gets_a_free_name_and_undoing_it_puts_it_into_the_trash(root: Path) -> None:
    folder = ImageFolder(root)
    change = folder.add("../../a.png", ".png", b"content", "cat")
    assert [move.target for move in change.moves] == ["cat/a-2.png"]
    assert (root / "cat" / "a-2.png").read_bytes() == b"content"
    folder.undo()
    assert not (root / "cat" / "a-2.png").exists()
    assert (root / TRASH / "cat" / "a-2.png").read_bytes() == b"content"
    folder.redo()
    assert (root / "cat" / "a-2.png").read_bytes() == b"content"


@pytest.mark.parametrize(
    "name", ["", " ", ".hidden", "a/b", "..", "a\\b", "nul", "com1.txt", "x" * 61, "a\0", "a.", None, 3]
)
def test_a_name_that_cannot_be_a_folder_is_refused(root: Path, name: object) -> None:
    with pytest.raises(RefusedError):
        ImageFolder(root).add_class(name)
    assert sorted(path.name for path in root.iterdir()) == ["cat", "dog", "new.png"]


def test_names_that_some_computers_take_for_one_are_one_class(root: Path) -> None:
    with pytest.raises(RefusedError, match="there is a class 'cat' already"):
        ImageFolder(root).add_class("Cat")
    with pytest.raises(RefusedError, match="are the same folder on some computers"):
        ImageFolder(root).rename_class("cat", "CAT")


@pytest.mark.parametrize(
    "id",
    [
        "",
        "..",
        "../pets/new.png",
        "/etc/passwd",
        "cat/../new.png",
        "cat/notes.txt",
        "cat",
        "no.png",
        "out.png",
        "a\0.png",
    ],
)
def test_nothing_but_the_folders_images_can_be_named(root: Path, id: str) -> None:
    _save(root.parent / "secret.png", 1)
    (root / "out.png").symlink_to(root.parent / "secret.png")
    folder, before = ImageFolder(root), _contents(root)
    for change in (folder.path, lambda id: folder.label([id], "cat"), lambda id: folder.discard([id])):
        with pytest.raises(RefusedError, match="there is no image"):
            change(id)
    assert _contents(root) == before


def test_the_state_of_the_page_is_no_image_and_no_label_is_unknown(root: Path) -> None:
    folder = ImageFolder(root)
    folder.discard(["new.png"])
    with pytest.raises(RefusedError, match="there is no image"):
        folder.path(f"{TRASH}/new.png")
    for name in ("bird", ".greycard", "..", 3):
        with pytest.raises(RefusedError, match="there is no class"):
            folder.label(["cat/a.png"], name)  # type: ignore[arg-type]


def test_a_file_of_the_users_is_never_overwritten(root: Path) -> None:
    folder = ImageFolder(root)
    folder.label(["new.png"], "dog")
    _save(root / "new.png", 7)  # by hand, meanwhile
    before = _contents(root)
    assert folder.undo().moves == []
    assert _contents(root) == before


def test_a_kill_between_two_moves_loses_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, rename, calls = ImageFolder(root).images(), os.rename, []

    def killed(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(history.os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            ImageFolder(root).label(["cat/a.png", "cat/b.png", "new.png"], "dog")
    assert len(calls) == 2
    folder = ImageFolder(root)
    assert folder.undo().redo == "3 images to dog"
    assert folder.images() == before


@pytest.mark.parametrize("content", ["", "[]", '{"done": [{"what": 1}]}', "{"])
def test_a_damaged_history_is_forgotten(root: Path, content: str) -> None:
    (root / ".greycard").mkdir()
    (root / ".greycard" / "history.json").write_text(content)
    folder = ImageFolder(root)
    assert folder.undo().moves == []
    assert folder.label(["new.png"], "cat").undo == "1 image to cat"


def test_a_split_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    for name in ("train/cat/a.png", "train/dog/b.png", "validation/cat/c.png", "validation/dog/d.png"):
        _save(tmp_path / "pets" / name, len(name))
    with pytest.raises(GreycardError, match="is already split into train/ and validation/") as error:
        ImageFolder(tmp_path / "pets")
    assert f"greycard studio {tmp_path / 'pets' / 'train'}" in str(error.value)
    with pytest.raises(GreycardError, match="is a file"):
        ImageFolder(tmp_path / "pets" / "train" / "cat" / "a.png")


class AnyOrder(RuleBasedStateMachine):
    """Whatever is done in whatever order: no image is lost, and undoing everything gives the first folder."""

    CLASSES = st.sampled_from(["cat", "dog", "bird"])

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.place = tempfile.TemporaryDirectory()
        self.root = Path(self.place.name)
        for number, name in enumerate(("cat/a.png", "cat/b.png", "dog/a.png", "bird/a.png", "a.png", "b.png")):
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_bytes(bytes([number]))
        self.folder, self.first, self.steps = ImageFolder(self.root), ImageFolder(self.root).images(), 0

    @rule(data=st.data(), name=st.none() | CLASSES)
    def label(self, data: st.DataObject, name: str | None) -> None:
        ids = [id for images in self.folder.images().values() for id in images]
        if name in (None, *self.folder.classes()) and ids:
            self.count(self.folder.label(data.draw(st.lists(st.sampled_from(ids), unique=True)), name).moves)

    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        ids = [id for images in self.folder.images().values() for id in images]
        if ids:
            self.count(self.folder.discard([data.draw(st.sampled_from(ids))]).moves)

    @rule(old=CLASSES, new=CLASSES)
    def rename(self, old: str, new: str) -> None:
        if old in self.folder.classes() and old != new:
            self.count(self.folder.rename_class(old, new).moves)

    @precondition(lambda self: self.steps)
    @rule()
    def undo_and_redo(self) -> None:
        before = self.folder.images()
        self.folder.undo()
        self.folder.redo()
        assert {name: ids for name, ids in self.folder.images().items() if ids} == {
            name: ids for name, ids in before.items() if ids
        }

    def count(self, moves: object) -> None:
        self.steps += bool(moves)

    @invariant()
    def nothing_is_lost(self) -> None:
        found = sorted(path.read_bytes() for path in self.root.rglob("*.png"))
        assert found == [bytes([number]) for number in range(6)]

    def teardown(self) -> None:
        for _ in range(self.steps):
            self.folder.undo()
        assert {**self.first, **{name: [] for name in self.folder.classes()}} == self.folder.images() or (
            self.folder.images() == self.first
        )
        self.place.cleanup()


AnyOrder.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_only_the_last_steps_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_MOST_STEPS", 2)
    steps = History(tmp_path, tmp_path / "state" / "history.json")
    (tmp_path / "0").touch()
    for number in range(3):
        steps.do(Step(str(number), (Move(str(number), str(number + 1)),)))
    assert [move.target for _ in range(3) for move in steps.undo()] == ["2", "1"]


def test_steps_with_many_moves_are_forgotten_sooner_but_never_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_MOST_MOVES", 3)
    steps = History(tmp_path, tmp_path / "state" / "history.json")
    for size in (1, 2, 2, 5):
        steps.do(Step(str(size), tuple(Move(f"{size}-{number}", "no file") for number in range(size))))
    steps.undo()
    assert (steps.redoable, steps.undoable) == ("5", None)
    steps = History(tmp_path, tmp_path / "state" / "other.json")
    for size in (1, 2, 1):
        steps.do(Step(str(size), tuple(Move(f"{size}-{number}", "no file") for number in range(size))))
    assert steps.undoable == "1"
    steps.undo()
    assert steps.undoable == "2"
    steps.undo()
    assert steps.undoable is None
