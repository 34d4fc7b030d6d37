"""What people pass in Python and on the command line: taken where it can mean one thing only, else told."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import greycard
from conftest import image, make_folder
from greycard.core.errors import GreycardError
from greycard.core.suggestions import near
from greycard.deploy.sources import source_of
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe import Recipe

FAST = {"epochs": 1, "image_size": 16, "conv": 4, "dense": (), "augmentation": None}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "images", ("train", "validation"), ("dark", "light"), 6)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    return greycard.train(data, weights="none", out=tmp_path_factory.mktemp("runs"), quiet=True, **FAST)


def _png() -> bytes:
    buffer = io.BytesIO()
    image(1, 40).save(buffer, "PNG")
    return buffer.getvalue()


def _at_its_end() -> io.BytesIO:
    buffer = io.BytesIO()
    image(1, 40).save(buffer, "PNG")
    return buffer


def _saved(kind: Callable[[str], Any]) -> Any:
    image(1, 40).save("one.png")
    return kind("one.png")


def _temporary_file() -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(_png())
    return file


IMAGES: dict[str, Callable[[], Any]] = {
    "text": lambda: _saved(str),
    "path": lambda: _saved(Path),
    "numpy text": lambda: _saved(np.str_),
    "open file": lambda: _saved(lambda name: open(name, "rb")),  # noqa: SIM115
    "temporary file": _temporary_file,
    "bytes": _png,
    "bytearray": lambda: bytearray(_png()),
    "memoryview": lambda: memoryview(_png()),
    "buffer": lambda: io.BytesIO(_png()),
    "buffer just written": _at_its_end,
    "pillow": lambda: image(1, 40),
    "array": lambda: np.asarray(image(1, 40)),
    "array with alpha": lambda: np.asarray(image(1, 40).convert("RGBA")),
    "array not in order": lambda: np.asarray(image(1, 40))[:, ::-1][:, ::-1],
    "read-only array": lambda: np.frombuffer(np.asarray(image(1, 40)).tobytes(), np.uint8).reshape(40, 48, 3),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", IMAGES)
def test_every_kind_of_image_is_answered_alike(kind: str, run: greycard.Run) -> None:
    expected = run.predict(image(1, 40))[0].probabilities
    assert expected is not None
    made = IMAGES[kind]
    for images in (made(), [made()], (each for each in (made(),))):
        found = run.predict(images)
        assert len(found) == 1
        assert found[0].probabilities == pytest.approx(expected, abs=1e-6)


def test_a_tensor_is_an_array(run: greycard.Run) -> None:
    import keras

    tensor = keras.ops.convert_to_tensor(np.asarray(image(1, 40)))
    assert run.predict(tensor)[0].label == run.predict(image(1, 40))[0].label
    assert len(run.predict(keras.ops.stack([tensor, tensor]))) == 2


def test_names_in_an_array_are_names(run: greycard.Run) -> None:
    names = np.array([_saved(str), "one.png"])
    assert [found.source for found in run.predict(names)] == ["one.png"] * 2
    assert len(run.predict(names.astype(object))) == 2
    assert [found.source for found in run.predict_each("one.png")] == ["one.png"]
    assert run.predict([]) == run.predict(np.empty((0, 8, 8, 3), np.uint8)) == []


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (32, 32, 5), (4, 32, 32), (2, 3, 32, 32), (0, 8, 3), (8,), (), (1,) * 5]
)
def test_an_array_of_another_shape_is_told(shape: tuple[int, ...], run: greycard.Run) -> None:
    with pytest.raises(GreycardError, match="an array must have the shape") as told:
        run.predict(np.zeros(shape, np.uint8))
    if shape == (3, 32, 32):
        assert "np.moveaxis" in told.value.hint


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool, np.uint16])
def test_an_array_of_another_type_is_told(dtype: Any, run: greycard.Run) -> None:
    with pytest.raises(GreycardError, match="must be uint8"):
        run.predict(np.zeros((8, 8, 3), dtype))


@pytest.mark.parametrize(
    "what", [None, 7, 1.5, True, object(), [[[0, 0, 0]]], {"a.png": 1}, [None], io.StringIO("text"), ""]
)
def test_what_is_no_image_is_told_with_what_is(what: object, run: greycard.Run) -> None:
    with pytest.raises(GreycardError) as told:
        run.predict(what)  # type: ignore[arg-type]
    assert "attribute" not in str(told.value)
    assert any(word in str(told.value) for word in ("expected a path", "'rb'", "is empty"))


def test_an_address_and_a_closed_file_are_told() -> None:
    with pytest.raises(GreycardError, match="does not download images"):
        source_of("https://example.org/cat.jpg")
    with open(_saved(str), "rb") as file:
        pass
    with pytest.raises(GreycardError, match="already closed"):
        source_of(file)


def test_paths_are_taken_in_place_of_datasets(data: Path, run: greycard.Run) -> None:
    assert greycard.check(str(data), quiet=True)[0].findings == greycard.check(data, quiet=True)[0].findings
    assert greycard.split(data, quiet=True, val_fraction=np.float32(0.25), seed=np.int64(3)).lines
    recipe = Recipe.make(name="mine", dataset="any", **FAST)  # type: ignore[arg-type]
    assert greycard.train(recipe, str(data), quiet=True).classes == ("dark", "light")
    assert greycard.open_run(run).path == run.path
    assert len(greycard.runs_table(run.path).rows) == len(greycard.runs_table([run]).rows) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda data: greycard.train(None),
        lambda data: greycard.train(3),
        lambda data: greycard.train(["pets"]),
        lambda data: greycard.train("no-such-project"),
        lambda data: greycard.check(None),
        lambda data: greycard.check("no-such-folder"),
        lambda data: greycard.split(7),
        lambda data: greycard.load_folder(greycard.load_folder(data)),
        lambda data: greycard.load_folder(None),
        lambda data: greycard.load_folder(""),
        lambda data: greycard.load_folder(data / "train" / "dark" / "000.jpg"),
        lambda data: greycard.load_manifest(data),
        lambda data: greycard.load_manifest(None),
        lambda data: greycard.load_dataset(data),
        lambda data: greycard.open_run(None),
        lambda data: greycard.open_run(data),
        lambda data: greycard.compare(),
        lambda data: greycard.compare([data, data]),
        lambda data: greycard.runs_table(7),
        lambda data: greycard.runs_table(out=None),
        lambda data: greycard.project(None),
        lambda data: greycard.resume(None),
        lambda data: greycard.serve(str(data)),
        lambda data: greycard.serve([]),
        lambda data: greycard.train(data, out=None, quiet=True, **FAST),
        lambda data: greycard.train(data, weights="no-such.h5"),
        lambda data: greycard.train(data, epochs=0),
        lambda data: greycard.train(data, epochs=True),
        lambda data: greycard.train(data, epochs="5"),
        lambda data: greycard.train(data, epochs=-1),
        lambda data: greycard.train(data, epochs=2.5),
        lambda data: greycard.train(data, seed=-1),
        lambda data: greycard.train(data, track="wandb", **FAST),
        lambda data: greycard.split(data, val_fraction=0, quiet=True),
        lambda data: greycard.split(data, val_fraction="0.2", quiet=True),
        lambda data: greycard.split(data, seed=-1, quiet=True),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(call: Callable[[Path], object], data: Path) -> None:
    with pytest.raises(GreycardError) as told:
        call(data)
    assert told.value.hint
    assert not Path("runs").exists()


def test_numpys_numbers_are_numbers() -> None:
    recipe = Recipe.make(
        name="a", dataset="b", epochs=np.int64(3), seed=np.uint8(4), learning_rate=np.float64(0.25),
        dropout=np.float32(0.5), image_size=np.array([32, 32]), conv=[np.int32(8), 16], backbone=None,
        augmentation=Augmentation(
            rotation_range=np.float32(20), zoom_range=(np.float64(0.5), 1), horizontal_flip=np.bool_(True)
        ),
    )  # fmt: skip
    assert Recipe.from_json(recipe.to_json()) == recipe
    numbers = (recipe.training.epochs, recipe.model.dropout, *recipe.model.conv)  # type: ignore[attr-defined]
    assert [type(value) for value in numbers] == [int, float, int, int]
    assert recipe.replace(rotation_range=np.int64(5), backbone=None, image_size=np.int64(64)).data.image_size == (
        64,
        64,
    )
    assert Recipe.make(name="a", dataset="b", backbone=Path("runs/x")).model.backbone == "runs/x"  # type: ignore[arg-type]


@pytest.mark.parametrize("numbers", [3, [3], (3.0,), np.array([3]), np.int64(3), iter([3]), np.float32(3)])
def test_a_regression_takes_numbers_however_they_come(numbers: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    from greycard.deploy.predict import predict_numbers

    class Doubling:
        def predict(self, inputs: np.ndarray, verbose: int) -> np.ndarray:
            return inputs * 2

    assert predict_numbers(Doubling(), numbers) == [6.0]
    for wrong in ("3", [None], [True], [float("nan")], None, [[1]]):
        with pytest.raises(GreycardError, match="expected a number"):
            predict_numbers(Doubling(), wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("train", "images", "--set", "backbone=resnet50"), "ResNet50"),
        (("train", "images", "--backbone", "mobilenetv2"), "MobileNetV2"),
        (("train", "images", "--set", "optimizer=Adam"), "adam"),
        (("train", "images", "--set", "Epochs=1"), "epochs"),
        (("train", "images", "--set", "fill_mode=Nearst"), "nearest"),
        (("train", "Images"), "images"),
        (("train", "images", "--weights", "Mine.h5"), "mine.h5"),
        (("check", "imaegs"), "images"),
        (("run", "Digits-CNN"), "digits-cnn"),
        (("fetch", "Fashion-MNIST"), "fashion-mnist"),
        (("show", "Images-1"), "images-1"),
        (("predict", "images-1", "image/"), "images"),
        (("explain", "images-1", "images/train/dark/000.jpg", "--label", "Dark"), "dark"),
        (("table", "--sort", "Val_Accuracy"), "val_accuracy"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(
    words: tuple[str, ...], meant: str, data: Path, run: greycard.Run, cli
) -> None:
    Path("images").symlink_to(data)
    Path("runs").symlink_to(run.path.parent)
    Path("mine.h5").touch()
    said = cli(*words)
    assert said.code == 2, said.out
    assert "did you mean" in said.err
    assert meant in said.err.partition("did you mean")[2].rstrip("?\n").split(", ")[0], said.err


def test_what_comes_near_is_found_whatever_its_case() -> None:
    assert near("RESNET50", ["ResNet50", "VGG16"]) == ["ResNet50"]
    assert near("x", ["ResNet50"]) == near(None, ["ResNet50"]) == near(7, ["7"]) == []


def test_missing_weights_are_told_before_anything_is_read(cli, data: Path) -> None:
    for words in (("train", data), ("run", "digits-cnn"), ("check", data)):
        said = cli(*words, "--weights", "no-such.h5")
        assert (said.code, "no-such.h5, which does not exist" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((), "a network at 64 px with augmentation: few images"),
        (("epochs=1",), "few images; your settings: epochs=1"),
        (("image_size=16", "conv=4", "augmentation=none"), "CNN 4 at 16 px without augmentation; your settings: "),
        (("rotation_range=40",), "CNN 8-8 at 64 px with augmentation; your settings: rotation_range=40"),
        (("image_size=16,24",), "CNN 8-8 at 24×16 px with augmentation; your settings: image_size=16,24"),
    ],
)
def test_the_recipe_sentence_is_about_what_is_trained(changes: tuple[str, ...], says: str) -> None:
    from greycard.jobs.choose import describe_choice
    from greycard.recipe.settings import parse_settings

    chosen = Recipe.make(
        name="a", dataset="b", image_size=(64, 64), conv=(8, 8), augmentation=Augmentation(rotation_range=15)
    )
    reason = "a network at 64 px with augmentation: few images"
    assert says in describe_choice(chosen.replace(**parse_settings(changes)), chosen, reason)


def test_the_commands_recipe_sentence_is_about_what_is_trained(cli, data: Path) -> None:
    fast = ("--epochs", "1", "--weights", "none", "--set", "conv=4", "--set", "dense=none")
    said = cli("train", data, *fast, "--set", "image_size=16", "--set", "augmentation=none")
    sentence = next(line for line in said.err.splitlines() if line.startswith("recipe: "))
    assert sentence.startswith("recipe: CNN 4 at 16 px without augmentation; your settings: ")


def test_a_images_bytes_are_no_list_of_names(run: greycard.Run, cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(_png()))))
    said = cli("predict", run.path, "-")
    assert said.code == 2
    assert "a list of file names" in said.err
    assert said.err.isprintable() or all(line.isprintable() for line in said.err.splitlines())
