"""A label file beside the images: its classes are used once as one step, and it never contradicts the folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import image
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import TRASH, ImageFolder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number, name in enumerate(("a.png", "b.png", "c.png", "old/d.png", "dog/e.png")):
        place = tmp_path / "pets" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        image(number).save(place)
    return tmp_path / "pets"


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"))) as client:
        yield client


def _write(root: Path, *lines: str, name: str = "labels.csv") -> None:
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _found(client: TestClient) -> Any:
    return client.get("/api/label-file").json()["label_file"]


def _images(client: TestClient) -> dict[str, list[str]]:
    return client.get("/api/images").json()["images"]


def test_the_images_move_into_its_classes_and_the_file_into_the_trash_as_one_step(
    client: TestClient, root: Path
) -> None:
    _write(root, "file,label,split", "a.png,cat,train", "b,Dog,val", "old/d.png,cat,train", "gone.png,cat,train")
    before = _images(client)
    kinds = {"has_split": True, "several": False, "numbers": False, "train": f"greycard train {root / 'labels.csv'}"}
    expected = {"name": "labels.csv", "images": 3, "moves": 3, "missing": 1, **kinds}
    assert _found(client) == expected
    changed = client.post("/api/label-file", json={"use": True}).json()
    assert changed["undo"] == "3 images to the classes of labels.csv"
    assert changed["classes"] == ["cat", "dog"]
    assert all(move["source"].endswith(".png") for move in changed["moves"])
    assert _images(client) == {"": ["c.png"], "cat": ["cat/a.png", "cat/d.png"], "dog": ["dog/b.png", "dog/e.png"]}
    assert not (root / "labels.csv").exists()
    assert (root / TRASH / "labels.csv").is_file()
    assert _found(client) is None
    back = client.post("/api/undo", json={}).json()
    assert all(move["source"].endswith(".png") for move in back["moves"])
    assert {name: ids for name, ids in _images(client).items() if ids} == before
    assert _found(client) == expected
    client.post("/api/redo", json={})
    assert _found(client) is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("label", {"ids": ["a.png"], "class": "dog"}),
        ("discard", {"ids": ["a.png"]}),
        ("classes/rename", {"class": "dog", "name": "hound"}),
        ("classes/remove", {"class": "dog"}),
    ],
)
def test_while_it_is_there_no_change_can_contradict_it(
    client: TestClient, root: Path, path: str, fields: dict[str, Any]
) -> None:
    _write(root, "file,label", "a.png,cat")
    before = sorted(root.iterdir())
    answer = client.post(f"/api/{path}", json=fields)
    assert (answer.status_code, answer.json()["error"]) == (
        409,
        "labels.csv names classes for these images; use it or set it aside first",
    )
    assert sorted(root.iterdir()) == before
    changed = client.post("/api/label-file", json={"use": False}).json()
    assert (changed["undo"], changed["moves"]) == ("labels.csv to the trash", [])
    assert client.post(f"/api/{path}", json=fields).status_code == 200


def test_images_can_be_added_while_it_is_there(client: TestClient, root: Path) -> None:
    _write(root, "file,label", "a.png,cat")
    content = (root / "a.png").read_bytes()
    answer = client.post("/api/images?name=n.png", content=content, headers={"content-type": "image/png"})
    assert answer.status_code == 200


def test_a_file_that_agrees_with_the_folders_has_nothing_to_move(client: TestClient, root: Path) -> None:
    _write(root, "path;class", "dog/e.png;dog", name="split.tsv")
    assert (_found(client)["name"], _found(client)["moves"]) == ("split.tsv", 0)
    client.post("/api/label-file", json={"use": False})
    assert _found(client) is None


@pytest.mark.parametrize("by", ["upload", "another program"])
def test_a_file_that_was_there_before_its_images_is_offered_when_they_come(
    client: TestClient, root: Path, by: str
) -> None:
    _write(root, "file,label", "n.png,cat", "o.png,cat")
    assert _found(client) is None
    for number, name in enumerate(("n.png", "o.png"), start=1):
        content = (root / "a.png").read_bytes()
        if by == "upload":
            kind = {"content-type": "image/png"}
            assert client.post(f"/api/images?name={name}", content=content, headers=kind).status_code == 200
        else:
            (root / name).write_bytes(content)
            _images(client)
        assert (_found(client)["images"], _found(client)["missing"]) == (number, 2 - number)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["file,label", "a.png,cat", "a.png,dog"], "line 3 of labels.csv gives a.png the class 'dog', an earlier line"),
        (["file,label", "a.png,a/b"], "'a/b' cannot be a class"),
        (["file,label", "a.png,.greycard"], "'.greycard' cannot be a class"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_changes_nothing(
    client: TestClient, root: Path, lines: list[str], words: str
) -> None:
    _write(root, *lines)
    before = _images(client)
    answer = client.post("/api/label-file", json={"use": True})
    assert (answer.status_code, words in answer.json()["error"]) == (422, True), answer.text
    assert _images(client) == before
    assert (root / "labels.csv").is_file()
    assert client.post("/api/label-file", json={"use": "yes"}).status_code == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["name,age", "tom,3"],
        ["nothing"],
        [""],
        ["file,label", "../outside.png,cat", ".greycard/x.png,cat", "/etc/passwd,cat", "notes.txt,cat"],
    ],
)
def test_another_table_is_none(client: TestClient, root: Path, lines: list[str]) -> None:
    image(1).save(root.parent / "outside.png")
    (root / ".greycard").mkdir()
    image(1).save(root / ".greycard" / "x.png")
    (root / "notes.txt").write_text("soft")
    _write(root, *lines)
    assert _found(client) is None
    assert client.post("/api/label-file", json={"use": True}).status_code == 409
    assert client.post("/api/label", json={"ids": ["a.png"], "class": "dog"}).status_code == 200


def test_numbers_do_not_become_folders(client: TestClient, root: Path) -> None:
    for number in range(12):
        image(number).save(root / f"n{number}.png")
    _write(root, "file,fill", *(f"n{number}.png,{number}.5" for number in range(12)))
    assert (_found(client)["numbers"], _found(client)["moves"]) == (True, 0)
    answer = client.post("/api/label-file", json={"use": True})
    assert (answer.status_code, "gives images numbers" in answer.json()["error"]) == (422, True)
    assert f"greycard train {root / 'labels.csv'}" in answer.json()["error"]
