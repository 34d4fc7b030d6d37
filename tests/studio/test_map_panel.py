"""The map of a run's validation images in Studio: the run's own positions, and a click that opens an image."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

import greycard
from conftest import make_folder
from greycard.runs.image_map import MAP, ImageMap, write_map
from greycard.studio.app import make_app
from greycard.studio.context import Context
from greycard.studio.images.folder import ImageFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    root = tmp_path_factory.mktemp("project")
    pets = make_folder(root / "pets", ("",), ("dark", "light"), 6)
    recipe = {"image_size": 16, "conv": (4,), "dense": (4,), "backbone": None, "augmentation": None, "epochs": 1}
    return greycard.train(greycard.load_folder(pets), out=root / "runs", name="pets", quiet=True, **recipe)


@pytest.fixture
def client(run: greycard.Run) -> Iterator[TestClient]:
    (run.path / MAP).unlink(missing_ok=True)
    runs = run.path.parent
    with TestClient(make_app(Context(ImageFolder(runs.parent / "pets"), runs))) as client:
        yield client


def test_there_is_no_map_before_it_was_made(client: TestClient, run: greycard.Run) -> None:
    answer = client.get("/api/runs/pets-1/map")
    assert (answer.status_code, answer.json()) == (200, None)
    assert client.get("/api/runs/..%2Fpets/map").status_code == 404
    assert client.get("/api/runs/none/map").status_code == 404


def test_the_page_gets_the_positions_of_the_run(client: TestClient, run: greycard.Run) -> None:
    ids = tuple(run.predictions["ids"].tolist())
    positions = np.arange(2 * len(ids), dtype=np.float32).reshape(-1, 2)
    write_map(run, ImageMap(ids, positions, np.zeros((len(ids), 4, 4, 3), np.uint8), 0.75, 9))
    found = client.get("/api/runs/pets-1/map").json()
    assert (found["share"], found["of"]) == (0.75, 9)
    assert found["points"][1] == {"recorded": ids[1], "x": 2.0, "y": 3.0}
    assert [each["recorded"] for each in found["points"]] == list(ids)


def test_a_damaged_map_is_named(client: TestClient, run: greycard.Run) -> None:
    (run.path / MAP).write_bytes(b"PK")
    answer = client.get("/api/runs/pets-1/map")
    assert (answer.status_code, "map.npz cannot be read" in answer.json()["error"]) == (409, True)
