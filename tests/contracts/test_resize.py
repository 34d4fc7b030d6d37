"""An image that is not square gets the same pixels in training, prediction, explanations and the server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import greycard
from greycard.deploy.serve.app import make_app
from greycard.deploy.serve.models import make_ready
from greycard.evaluation.calibration import at_temperature
from greycard.pipeline.decode import decode
from greycard.recipe.data import RESIZES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of wide and tall noise images of 60 by 20 pixels."""
    root, rng = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    for name in ("tall", "wide"):
        (root / name).mkdir()
        for number in range(6):
            image = Image.fromarray(rng.integers(0, 256, (2, 6, 3), dtype=np.uint8)).resize((60, 20))
            turned = image if name == "wide" else image.transpose(Image.Transpose.ROTATE_90)
            turned.save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module", params=RESIZES)
def run(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe = {"image_size": 16, "conv": (4,), "dense": (), "backbone": None, "augmentation": None, "epochs": 1}
    dataset = greycard.load_folder(folder, val_fraction=0.5)
    out = tmp_path_factory.mktemp("runs")
    return greycard.train(dataset, name=request.param, resize=request.param, out=out, quiet=True, **recipe)


def test_the_same_pixels_everywhere(run: greycard.Run, folder: Path) -> None:
    files = [folder / id for id in run.predictions["ids"]]
    in_training = at_temperature(run.predictions["probabilities"], run.temperature)
    arrays = [np.asarray(Image.open(file)) for file in files]
    for images in (files, [file.read_bytes() for file in files], arrays):
        found = [list((each.probabilities or {}).values()) for each in run.predict(images)]
        assert np.allclose(found, in_training, atol=1e-5)
    with TestClient(make_app(make_ready([(run, run.classifier)]))) as client:
        served = [client.post("/api/predict", content=file.read_bytes()).json() for file in files]
        model = client.get("/api/models").json()["models"][0]
    assert model["resize"] == run.recipe.data.resize == run.name.partition("-")[0]
    probabilities = [
        [each["images"][0]["answers"][0]["probabilities"][name] for name in run.classes] for each in served
    ]
    assert np.allclose(probabilities, in_training, atol=1e-5)


def test_the_policy_is_the_runs_own(run: greycard.Run, folder: Path) -> None:
    file = folder / run.predictions["ids"][0]
    explained = run.explain(file).image
    for resize in RESIZES:
        assert np.array_equal(explained, decode(file, (16, 16), 3, resize)) == (resize == run.recipe.data.resize)


def test_arrays_are_resized_like_files(folder: Path) -> None:
    from greycard.datasets.dataset import Split
    from greycard.pipeline.array_split import load_arrays

    images = np.stack([np.asarray(Image.open(folder / "wide" / f"{number}.png")) for number in range(3)])
    split = Split(("a", "b", "c"), np.arange(3), images)
    for resize in RESIZES:
        found = load_arrays(split, (16, 16), 3, resize=resize).images
        assert np.array_equal(found[1], decode(folder / "wide" / "1.png", (16, 16), 3, resize))


def test_an_unknown_policy_is_refused(folder: Path, cli) -> None:
    outcome = cli("train", folder, "--set", "resize=padd")
    assert outcome.code == 2
    assert "resize must be one of stretch, crop, pad. Received: 'padd'" in outcome.err
    assert "did you mean pad?" in outcome.err
