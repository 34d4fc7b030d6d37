"""Teach by correcting: features on disk, the state after each label, and confirmed labels."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import numpy as np
import pytest
from starlette.testclient import TestClient

from conftest import image, make_folder
from greycard.datasets.images import UnreadableImageError, opened
from greycard.deploy.serve.limits import RefusedError
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder
from greycard.studio.images.identity import identity
from greycard.studio.teaching import feature_worker
from greycard.studio.teaching.feature_file import FeatureFile
from greycard.studio.teaching.features import Features, Status
from greycard.studio.teaching.marks import Marks
from greycard.studio.teaching.teach import NEXT, Teach, TeachState


class Colours(Features):
    """Colours with noise as features, computed at once and in this process."""

    def __init__(self, root: Path, state: Path) -> None:
        super().__init__(root, state)
        self._images, self._state_of = root, "none"
        self._file = FeatureFile(state / "colours", 112)

    def start(self) -> None:
        self._state_of = "ready"
        self.look_again()

    def status(self) -> Status:
        return Status(self._state_of, network="colours" if self._state_of == "ready" else None)

    def look_again(self) -> None:
        self._file.update()
        for path in sorted(self._images.rglob("*.jpg")):
            key = identity(path)
            if ".greycard" not in path.parts and key not in self._file:
                self._file.append([key], _colours(path)[None])
                self._file.update()


def _colours(path: Path) -> np.ndarray:
    """The colours of an image's quarters, and noise, so that no two images are nearly the same."""
    try:
        with opened(path) as found:
            colours = np.asarray(found.convert("RGB").resize((2, 2)), np.float32).ravel()
    except UnreadableImageError:
        colours = np.full(12, np.nan, np.float32)
    noise = np.random.default_rng(crc32(path.read_bytes())).normal(0, 20, 100)
    return np.concatenate([colours, noise]).astype(np.float32)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of bright and dark images, most of them without a label."""
    root = make_folder(tmp_path / "pets", ("",), ("dark", "light"), 4)
    for number in range(40):
        image(number, 60 if number % 2 else 180).save(root / f"{number:02}.jpg")
    return root


def _teach(root: Path) -> tuple[ImageFolder, Teach]:
    folder, state = ImageFolder(root), root / ".greycard"
    marks = (Marks(state / f"{name}.json") for name in ("confirmed", "accepted"))
    return folder, Teach(folder, Colours(root, state), *marks)


def _started(root: Path) -> tuple[ImageFolder, Teach, TeachState]:
    folder, teach = _teach(root)
    assert teach.state() == TeachState("none")
    assert teach.proposals() == []
    teach.start()
    return folder, teach, teach.state()


def test_features_are_appended_read_and_survive_a_half_written_record(tmp_path: Path) -> None:
    path, random = tmp_path / "features" / "f", np.random.default_rng(0)
    writer, reader = FeatureFile(path, 5), FeatureFile(path, 5)
    reader.update()
    first, second = random.random((2, 3, 5)).astype(np.float32)
    writer.append(["a", "b", "c"], first)
    with path.open("ab") as file:
        file.write(b"half")
    reader.update()
    assert "b" in reader
    assert "d" not in reader
    writer.append(["d", "e", "f"], second)
    reader.update()
    assert np.array_equal(reader.of(["e", "a"]), np.stack([second[1], first[0]]))
    with pytest.raises(KeyError):
        reader.of(["g"])


def test_every_image_gets_a_proposal_and_the_next_ones_have_no_label(root: Path) -> None:
    _, _, answer = _started(root)
    assert (answer.state, answer.images, answer.known, answer.labelled) == ("ready", 48, 48, 8)
    assert len(answer.next) == NEXT
    assert all("/" not in each.id and each.label in ("dark", "light") for each in answer.next)


def test_proposals_are_sorted_and_mostly_right(root: Path) -> None:
    _, teach, _ = _started(root)
    found = teach.proposals()
    assert len(found) == 40
    assert [each.confidence for each in found] == sorted((each.confidence for each in found), reverse=True)
    right = [each.label == ("dark" if int(each.id[:2]) % 2 else "light") for each in found]
    assert sum(right) >= 38


def test_labels_change_the_answer_and_are_found_again_after_a_move(root: Path) -> None:
    folder, teach, before = _started(root)
    folder.label([f"{number:02}.jpg" for number in range(1, 40, 2)], "dark")
    after = teach.state()
    assert after.labelled == before.labelled + 20
    assert after.known == 48
    folder.undo()
    assert teach.state().labelled == before.labelled


def test_all_labels_give_an_accuracy_with_its_interval(root: Path) -> None:
    folder, teach, _ = _started(root)
    for start, name in ((1, "dark"), (0, "light")):
        folder.label([f"{number:02}.jpg" for number in range(start, 40, 2)], name)
    answer = teach.state()
    assert answer.sample == 48
    assert answer.estimate is not None
    assert answer.estimate.low < answer.estimate.accuracy <= answer.estimate.high
    assert answer.estimate.accuracy > 0.9
    assert not answer.next


def test_a_wrong_label_is_suspected_until_it_is_confirmed_or_corrected(root: Path) -> None:
    folder, teach, _ = _started(root)
    folder.label([f"{number:02}.jpg" for number in range(1, 40, 2)], "dark")
    folder.label([f"{number:02}.jpg" for number in range(2, 40, 2)], "light")
    folder.label(["00.jpg"], "dark")
    assert [(each.id, each.label) for each in teach.state().suspects] == [("dark/00.jpg", "light")]
    teach.confirm(["dark/00.jpg"])
    assert not teach.state().suspects
    _, again = _teach(root)
    again.start()
    assert not again.state().suspects
    with pytest.raises(RefusedError):
        teach.confirm(["dark/nothing.jpg"])


def test_new_images_and_unreadable_ones_are_seen(root: Path) -> None:
    _, teach, _ = _started(root)
    image(99, 100).save(root / "new.jpg")
    (root / "broken.jpg").write_bytes(b"not an image")
    teach.state()
    answer = teach.state()
    assert (answer.images, answer.known, answer.unreadable) == (50, 50, 1)


def test_one_class_or_none_gives_random_images_and_no_proposal(tmp_path: Path) -> None:
    root = tmp_path / "few"
    root.mkdir()
    for number in range(5):
        image(number).save(root / f"{number}.jpg")
    _, teach, answer = _started(root)
    assert sorted(each.id for each in answer.next) == [f"{number}.jpg" for number in range(5)]
    assert all(each.label is None for each in answer.next)
    assert teach.proposals() == []


def test_labels_accepted_at_once_are_counted_but_not_learned_from_until_somebody_looks(root: Path) -> None:
    folder, teach, before = _started(root)
    found = teach.proposals()[:10]
    for name in ("dark", "light"):
        folder.label([each.id for each in found if each.label == name], name)
    ids = [f"{each.label}/{each.id}" for each in found]
    teach.accept(ids)
    after = teach.state()
    assert (after.labelled, after.accepted) == (before.labelled + 10, 10)
    assert sorted(after.to_confirm) == sorted(ids)
    assert not {each.id for each in after.next} & {each.id for each in found}
    teach.confirm(ids[:4])
    assert teach.state().accepted == 6
    folder.label(ids[4:5], None)
    assert teach.state().accepted == 5


def test_marks_belong_to_a_label_and_survive_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "marks.json"
    marks = Marks(path)
    marks.add([("1-2-3", "cat"), ("4-5-6", None)])
    marks.remove([("4-5-6", None)])
    again = Marks(path)
    assert again.has("1-2-3", "cat")
    assert not again.has("1-2-3", "dog")
    assert not again.has("4-5-6", None)
    for content in ("{", "3", "[1, 2]"):
        path.write_text(content)
        assert not Marks(path).has("1-2-3", "cat")


def test_an_image_that_moves_while_its_features_are_computed_is_found_again(tmp_path: Path) -> None:
    root, store = make_folder(tmp_path / "pets", ("",), ("dark",), 2), FeatureFile(tmp_path / "features", 3)
    (root / "light").mkdir()

    class Moving:
        def of(self, files: list[Path]) -> np.ndarray:
            for file in files:
                if file.is_file() and file.parent.name == "dark" and file.name == "000.jpg":
                    file.rename(root / "light" / file.name)
            return np.array([[float(file.is_file())] * 3 for file in files], np.float32)

    for _ in range(2):
        feature_worker._add_missing(root, store, cast(Any, Moving()))
        store.update()
    keys = [identity(path) for path in root.rglob("*.jpg")]
    assert len(keys) == 2
    assert (store.of(keys) == 1).all()


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with TestClient(make_app(Context(ImageFolder(root), root.parent / "runs"))) as client:
        yield client


def test_the_routes_before_teaching_has_started(client: TestClient) -> None:
    assert client.get("/api/teach").json()["state"] == "none"
    assert client.get("/api/teach/proposals").json() == {"proposals": []}
    for name in ("confirm", "accept"):
        assert client.post(f"/api/teach/{name}", json={"ids": ["../x.jpg"]}).status_code == 404
        assert client.post(f"/api/teach/{name}", json={"ids": ["dark/000.jpg"]}).json()["state"] == "none"


@pytest.mark.slow
def test_what_the_process_could_not_do_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path / "nowhere"))
    with _running(root) as features:
        status = _waited(features, "failed")
    assert status.error is not None
    assert status.error.startswith("error: ")
    assert "nowhere" in status.error
    assert "Traceback" not in status.error


@pytest.mark.slow
@pytest.mark.usefixtures("lite0")
def test_the_process_computes_features_of_old_and_new_images(root: Path) -> None:
    with _running(root) as features:
        assert _waited(features, "ready").network == "EfficientNetLite0"
        keys = [identity(path) for path in root.rglob("*.jpg")]
        _wait_for(features, keys)
        assert np.isfinite(features.of(keys)).all()
        image(99, 100).save(root / "new.jpg")
        features.look_again()
        _wait_for(features, [identity(root / "new.jpg")])


@contextmanager
def _running(root: Path) -> Iterator[Features]:
    features = Features(root, root / ".greycard")
    features.start()
    try:
        yield features
    finally:
        features.end()


def _waited(features: Features, state: str) -> Status:
    deadline = time.monotonic() + 90
    while features.status().state != state:
        assert time.monotonic() < deadline, features.status()
        time.sleep(0.2)
    return features.status()


def _wait_for(features: Features, keys: list[str]) -> None:
    deadline = time.monotonic() + 60
    while not all(key in features for key in keys):
        assert time.monotonic() < deadline
        features.update()
        time.sleep(0.1)
