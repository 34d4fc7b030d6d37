"""Explanations: heat on the object, maps of every layer, images written; on a CNN and on a nested backbone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import greycard
from greycard.core.errors import GreycardError
from greycard.explain.gradcam import grad_cam
from greycard.explain.occlusion import occlusion
from greycard.models.stated import stated
from greycard.reports.explanation import overlaid
from greycard.synthetic.sample import CLASSES, head_mask, render

SIDE, BOX = 48, 14


def _square(seed: int, colour: tuple[int, int, int]) -> tuple[np.ndarray, tuple[slice, slice]]:
    """Noise with one coloured square somewhere, and where."""
    random = np.random.default_rng(seed)
    image = random.integers(60, 140, (SIDE, SIDE, 3)).astype(np.uint8)
    top, left = random.integers(0, SIDE - BOX, 2)
    place = slice(top, top + BOX), slice(left, left + BOX)
    image[place] = colour
    return image, place


COLOURS = {"blue": (30, 60, 230), "red": (230, 40, 30)}


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> greycard.Dataset:
    folder = tmp_path_factory.mktemp("squares")
    for part, start, count in (("train", 0, 60), ("validation", 500, 20)):
        for name, colour in COLOURS.items():
            (folder / part / name).mkdir(parents=True)
            for number in range(count):
                image = Image.fromarray(_square(start + number + 1000 * len(name), colour)[0])
                image.save(folder / part / name / f"{number:03}.png")
    return greycard.load_folder(folder)


@pytest.fixture(scope="module")
def run(squares: greycard.Dataset, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    recipe = greycard.Recipe.make(
        name="squares", dataset="x", image_size=SIDE, conv=(8, 8), dense=(16,), epochs=6, batch_size=8
    )
    return greycard.train(recipe, squares, out=tmp_path_factory.mktemp("runs"), quiet=True)


@pytest.fixture(scope="module")
def nested(run: greycard.Run, squares: greycard.Dataset, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    """The first run's features inside a new model."""
    recipe = greycard.Recipe.make(
        name="nested", dataset="x", image_size=SIDE, backbone=str(run.path), dense=(8,), epochs=8
    )
    return greycard.train(recipe, squares, out=tmp_path_factory.mktemp("runs"), quiet=True)


def _inside(heat: np.ndarray, place: tuple[slice, slice]) -> float:
    """The share of the heat that is in the box."""
    return float(heat[place].sum() / heat.sum())


@pytest.mark.small_project
@pytest.mark.parametrize("which", ["run", pytest.param("nested", marks=pytest.mark.slow)])
def test_the_heat_is_on_the_object(request: pytest.FixtureRequest, which: str) -> None:
    shares = []
    trained = request.getfixturevalue(which)
    assert trained.summary.val_accuracy > 0.9
    for seed in range(3000, 3012):
        image, place = _square(seed, COLOURS["red"])
        explained = trained.explain(image, "red")
        assert explained.heat is not None
        assert explained.heat.shape == (SIDE, SIDE)
        if explained.heat.any():
            shares.append(_inside(explained.heat, place))
    area = (BOX / SIDE) ** 2
    assert len(shares) >= 8
    assert np.mean(shares) > 3 * area


def test_covering_the_object_takes_the_most(run: greycard.Run) -> None:
    image, place = _square(4000, COLOURS["blue"])
    explained = run.explain(image, "blue")
    middle = np.unravel_index(explained.occlusion.argmax(), explained.occlusion.shape)
    assert all(abs(int(at) - (part.start + part.stop) // 2) <= BOX for at, part in zip(middle, place, strict=True))


def test_an_occlusion_map_of_a_known_function() -> None:
    image = np.zeros((32, 32, 1), np.uint8)

    def answer(images: np.ndarray) -> np.ndarray:  # sure of class 1 while the top left corner is dark
        sure = 1 - images[:, 0, 0, 0] / 128
        return np.stack([1 - sure, sure], axis=1)

    found = occlusion(answer, image, 1)
    assert found[0, 0] == pytest.approx(1.0)
    assert found[16:, 16:].max() == 0


def test_every_layer_has_its_maps(run: greycard.Run, nested: greycard.Run) -> None:
    image, _ = _square(1, COLOURS["red"])
    maps = run.explain(image).maps
    assert {name: values.shape for name, values in maps.items()} == {
        "conv1": (46, 46, 8), "pool1": (23, 23, 8), "conv2": (21, 21, 8), "pool2": (10, 10, 8),
    }  # fmt: skip
    inside = nested.explain(image).maps
    assert inside.keys() == maps.keys()
    np.testing.assert_allclose(inside["conv1"], maps["conv1"], atol=1e-4)


def test_a_dense_network_has_an_occlusion_map_only(squares: greycard.Dataset, tmp_path: Path) -> None:
    recipe = greycard.Recipe.make(name="dense", dataset="x", image_size=16, dense=(8,), epochs=1)
    trained = greycard.train(recipe, squares, out=tmp_path, quiet=True)
    explained = trained.explain(_square(1, COLOURS["red"])[0])
    assert explained.heat is None
    assert explained.maps == {}
    assert trained.filters() is None
    assert explained.figure().axes


def test_images_are_written_into_the_run(run: greycard.Run, squares: greycard.Dataset, cli) -> None:
    image = squares.validation.images[0]
    said = cli("explain", run.path, image)
    assert said.code == 0, said.err
    written = [Path(line) for line in said.out.splitlines()]
    assert [path.name for path in written] == [
        "validation-blue-000-heat.png", "validation-blue-000-maps.png", "filters.png",
    ]  # fmt: skip
    for path in written:
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5
    assert "Explanations" in run.report()


def test_heat_is_what_the_answer_loses(run: greycard.Run, nested: greycard.Run) -> None:
    """The largest value is the probability that goes with what the map shows, however sure of it the map looks."""
    for trained in (run, nested):
        image, _ = _square(5000, COLOURS["red"])
        explained = trained.explain(image, "red")
        assert explained.heat is not None
        assert 0.05 < explained.heat.max() <= explained.probabilities["red"] + 1e-6
        other = trained.explain(image, "blue")
        assert other.heat is not None
        assert other.heat.max() <= other.probabilities["blue"] + 1e-6


def test_both_classes_of_a_sigmoid_have_heat(run: greycard.Run) -> None:
    assert run.recipe.data.task == "binary"
    for seed, name in ((6000, "blue"), (6001, "red")):
        heat = run.explain(_square(seed, COLOURS[name])[0], name).heat
        assert heat is not None
        assert heat.any(), name


def test_an_answer_that_nothing_changes_has_no_heat(run: greycard.Run) -> None:
    """A model whose last layer weighs nothing answers the same for any image."""
    import keras

    flat = keras.models.clone_model(run.model)
    flat.set_weights(run.model.get_weights())
    flat.layers[-1].set_weights([0 * values for values in flat.layers[-1].get_weights()])
    image, _ = _square(7000, COLOURS["red"])
    heat = grad_cam(stated(flat), run.task, image, 1)
    assert heat.max() == 0
    assert (overlaid(image, heat) == image.mean(axis=2, keepdims=True).astype(np.uint8)).all()


def test_a_chinese_name_is_drawn_or_told_of(run: greycard.Run, squares, own_fonts, tmp_path: Path, cli) -> None:
    other = tmp_path / "zoo"
    shutil.copytree(run.path, other)
    labels = (other / "labels.json").read_text().replace("blue", "猫")
    (other / "labels.json").write_text(labels, encoding="utf-8")
    said = cli("explain", other, squares.validation.images[0], squares.validation.images[1])
    assert said.code == 0, said.err
    assert said.err.count("no installed font has every letter of this name") == 1
    assert "Glyph" not in said.err
    assert cli("report", other).err == ""
    assert "猫" in (other / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("words", "said"), [(("--label", "green"), "no class 'green'"), ((), "No such file")])
def test_what_cannot_be_explained_is_refused(run: greycard.Run, squares, cli, words, said: str) -> None:
    image = squares.validation.images[0] if words else "nowhere.png"
    refused = cli("explain", run.path, image, *words)
    assert refused.code == 2
    assert said in refused.err


def test_a_regression_is_not_explained(cli, tmp_path: Path) -> None:
    cli("run", "house-prices", "--epochs", "1", "--quiet", "--out", tmp_path)
    with pytest.raises(GreycardError, match="only a model of images"):
        greycard.open_run(tmp_path / "house-prices-1").explain(np.zeros((8, 8, 3), np.uint8))


def _heads_share(trained: greycard.Run) -> tuple[float, float]:
    """Mean share of the heat in the head's box, and mean share of the image that the box is, on images not seen."""
    side = trained.recipe.data.image_size[0]
    shares, areas = [], []
    for kind in CLASSES:
        for index in range(1000, 1010):
            rows, columns = (
                np.flatnonzero(head_mask(kind, seed=0, index=index, size=side).any(axis)) for axis in (1, 0)
            )
            box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
            heat = trained.explain(render(kind, seed=0, index=index, size=side), kind).heat
            assert heat is not None
            if heat.any():
                shares.append(_inside(heat, box))
                areas.append(float(len(rows) * len(columns) / side**2))
    return float(np.mean(shares)), float(np.mean(areas))


@pytest.mark.slow
def test_on_rendered_samples_the_heat_is_on_the_head(cli, tmp_path: Path) -> None:
    cli("sample", tmp_path / "pets")
    trained = greycard.train(
        greycard.load_folder(tmp_path / "pets"), weights="none", out=tmp_path, quiet=True, augmentation=None, epochs=15
    )
    share, area = _heads_share(trained)
    print(f"heat in the head's box {share:.3f}, box {area:.3f} of the image")
    assert share > 1.5 * area, (share, area)


@pytest.mark.slow
def test_with_a_pretrained_backbone_too(cli, tmp_path: Path, real_weights: Path) -> None:
    cli("sample", tmp_path / "pets")
    data = greycard.load_folder(tmp_path / "pets")
    trained = greycard.train(data, weights=real_weights, out=tmp_path, quiet=True)
    assert trained.recipe.model.backbones == ("MobileNetV2",)
    share, area = _heads_share(trained)
    print(f"heat in the head's box {share:.3f}, box {area:.3f} of the image")
    assert share > 1.2 * area, (share, area)  # its map has 4×4 places, a head two or three of them
