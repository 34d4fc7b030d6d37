"""One check suite for every backbone family: preprocessing, building, cutting, saving; and weights that are missing."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard
from greycard.core.errors import GreycardError
from greycard.models.build import build_model
from greycard.models.imagenet import LITE0, NETWORKS, network
from greycard.models.preprocessing import add_preprocessing
from greycard.models.weights import find_weights, weight_files
from greycard.recipe import Recipe

FAMILIES = sorted({entry.module for entry in NETWORKS})
# One network a family: the size it is built at, and the slower ones left to the slow tests.
SMALLEST = {
    "convnext": ("ConvNeXtTiny", 32, True),
    "densenet": ("DenseNet121", 32, True),
    "efficientnet": ("EfficientNetB0", 32, True),
    "efficientnet_lite0": ("EfficientNetLite0", 32, False),
    "efficientnet_v2": ("EfficientNetV2B0", 32, True),
    "inception_resnet_v2": ("InceptionResNetV2", 75, True),
    "inception_v3": ("InceptionV3", 75, True),
    "mobilenet": ("MobileNet", 32, False),
    "mobilenet_v2": ("MobileNetV2", 32, True),
    "mobilenet_v3": ("MobileNetV3Small", 32, True),
    "nasnet": ("NASNetMobile", 32, True),
    "resnet": ("ResNet50", 32, True),
    "resnet_v2": ("ResNet50V2", 32, True),
    "vgg16": ("VGG16", 32, False),
    "vgg19": ("VGG19", 32, True),
    "xception": ("Xception", 71, True),
}
EACH = [
    pytest.param(*SMALLEST[family][:2], id=family, marks=[pytest.mark.slow] if SMALLEST[family][2] else [])
    for family in SMALLEST
]


def _recipe(name: str, size: int, **changes: Any) -> Recipe:
    recipe = Recipe.make(name="r", dataset="d", backbone=name, image_size=size, pooling="average")
    return recipe.replace(task="binary", **changes)


def _nothing(done: int, total: int | None) -> None:
    pass


def test_every_family_is_checked() -> None:
    known = [module if module != "resnet50" else "resnet" for module in FAMILIES]
    assert {*known, LITE0.module} == set(SMALLEST)


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_the_list_is_kerass_own(entry: Any) -> None:
    build = getattr(keras.applications, entry.name)
    assert "include_top" in inspect.signature(build).parameters
    assert hasattr(getattr(keras.applications, entry.module), "preprocess_input")
    assert entry.digest is None or entry.digest in _kerass_source()


@cache
def _kerass_source() -> str:
    """All of Keras's own modules of networks as text, for the hashes in them."""
    folder = Path(inspect.getfile(keras.applications.ResNet50)).parent
    return "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))


def test_every_network_of_keras_is_in_the_list() -> None:
    theirs = {name for name, item in vars(keras.applications).items() if name[0].isupper() and callable(item)}
    assert theirs == {entry.name for entry in NETWORKS}


@pytest.mark.parametrize("module", FAMILIES)
def test_preprocessing_is_the_networks_own(module: str) -> None:
    entry = next(entry for entry in NETWORKS if entry.module == module)
    inputs = keras.Input((4, 5, 3), dtype="uint8")
    model = keras.Model(inputs, add_preprocessing(inputs, entry))
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    expected = getattr(keras.applications, module).preprocess_input(pixels.astype("float32"))
    assert np.allclose(model(pixels), expected, atol=1e-4)


@pytest.mark.parametrize(("name", "size"), EACH)
def test_a_family_builds_and_reads_back(name: str, size: int, tmp_path: Path) -> None:
    model = build_model(_recipe(name, size), 2).network
    pixels = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    bare = keras.Model(model.inputs, model.outputs)
    bare.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.allclose(bare.predict(pixels, verbose=0), again.predict(pixels, verbose=0), atol=1e-5)


@pytest.fixture
def small_weights(tmp_path: Path) -> Path:
    """Weights of the smallest MobileNet, random, saved as `--weights` reads them."""
    base = keras.applications.MobileNet(alpha=0.25, include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "mobilenet_0.25_notop.weights.h5"
    base.save_weights(path)
    return path


def test_a_backbone_with_weights_is_frozen_and_its_batch_norm_at_rest(small_weights: Path) -> None:
    model = build_model(_recipe("MobileNet", 32, backbone_alpha=0.25), 2, small_weights).network
    before = [np.array(value) for value in model.get_layer("backbone").get_weights()]
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    for _ in range(3):
        model.train_on_batch(pixels, np.ones((8, 1)))
    after = model.get_layer("backbone").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert len(model.trainable_variables) == 2


@pytest.mark.parametrize("cut", ["conv_pw_1_relu", "conv_pw_5_bn", None])
def test_any_layer_can_be_the_cut(cut: str | None, small_weights: Path) -> None:
    model = build_model(_recipe("MobileNet", 32, backbone_alpha=0.25, backbone_layer=cut), 2, small_weights).network
    last = model.get_layer("backbone").layers[-1].name
    assert last == (cut or "conv_pw_13_relu")


def test_weights_that_do_not_fit_are_named(small_weights: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "other.weights.h5"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(wrong)
    with pytest.raises(GreycardError, match=r"other\.weights\.h5 do not fit MobileNet"):
        build_model(_recipe("MobileNet", 32, backbone_alpha=0.25), 2, wrong)
    with pytest.raises(GreycardError, match="do not fit MobileNet"):
        build_model(_recipe("MobileNet", 32), 2, small_weights)  # another width


@pytest.mark.filterwarnings("ignore::greycard.core.errors.GreycardWarning")
def test_the_first_weights_that_fit_are_used_and_recorded(small_weights: Path, images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(folder / "mobilenet_0.weights.h5")
    small_weights.rename(folder / small_weights.name)
    run = greycard.train(
        greycard.load_folder(images),
        weights=folder,
        backbone="MobileNet",
        backbone_alpha=0.25,
        image_size=32,
        epochs=1,
        out=tmp_path,
        quiet=True,
    )
    assert run.summary.weights[0].file == small_weights.name


def test_a_file_cut_in_its_name_is_loaded_into_the_cut(tmp_path: Path) -> None:
    options = {"alpha": 0.25, "include_top": False, "weights": None, "input_shape": (32, 32, 3)}
    whole = keras.applications.MobileNet(**options)
    cut = keras.Model(whole.input, whole.get_layer("conv_pw_2_relu").output)
    recipe = _recipe("MobileNet", 32, backbone_alpha=0.25, backbone_layer="conv_pw_2_relu")
    for source, name in ((cut, "mobilenet_to_conv_pw_2_relu.weights.h5"), (whole, "mobilenet_whole.weights.h5")):
        source.save_weights(tmp_path / name)
        taken = build_model(recipe, 2, tmp_path / name).network.get_layer("backbone").get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(cut.get_weights(), taken, strict=True))


@pytest.mark.parametrize("damage", [b"", b"not HDF5", None])
def test_damaged_weights_are_named(damage: bytes | None, small_weights: Path) -> None:
    small_weights.write_bytes(small_weights.read_bytes()[:5000] if damage is None else damage)
    with pytest.raises(GreycardError, match=r"mobilenet_0\.25_notop\.weights\.h5"):
        build_model(_recipe("MobileNet", 32, backbone_alpha=0.25), 2, small_weights)


@pytest.mark.parametrize(
    ("file", "name", "cut", "fits"),
    [
        ("mobilenet_v2_1.0_224_notop.weights.h5", "MobileNetV2", None, True),
        ("mobilenet_v2_1.0_224_notop.weights.h5", "MobileNet", None, False),
        ("mobilenet_0.25_224_notop.weights.h5", "MobileNet", None, True),
        ("inceptionv3_to_mixed7.weights.h5", "InceptionV3", "mixed7", True),
        ("inceptionv3_to_mixed7.weights.h5", "InceptionV3", "mixed5", False),
        ("inceptionv3_to_mixed7.weights.h5", "InceptionV3", None, False),
        ("inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5", "InceptionV3", "mixed7", True),
        ("resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5", "ResNet50", None, False),
        ("weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5", "MobileNetV3Small", None, True),
        ("efficientnetv2-b0_notop.h5", "EfficientNetV2B0", None, True),
        ("NASNet-mobile-no-top.h5", "NASNetMobile", None, True),
        ("notes.txt", "VGG16", None, False),
    ],
)
def test_weight_files_are_known_by_their_names(
    file: str, name: str, cut: str | None, fits: bool, tmp_path: Path
) -> None:
    (tmp_path / file).touch()
    assert bool(weight_files(tmp_path, name, cut)) == fits


@pytest.mark.parametrize("entry", NETWORKS, ids=lambda entry: entry.name)
def test_kerass_own_file_names_are_found(entry: Any, tmp_path: Path) -> None:
    (tmp_path / entry.file).touch()
    assert weight_files(tmp_path, entry.name) == [tmp_path / entry.file]


def test_missing_weights_name_url_hash_and_path(tmp_path: Path, cli, images: Path) -> None:
    with pytest.raises(GreycardError) as caught:
        find_weights(network("VGG16"), None, tmp_path, _nothing)
    message = str(caught.value)
    for part in (network("VGG16").url, network("VGG16").digest or "", str(tmp_path / network("VGG16").file)):
        assert part in message
    outcome = cli("train", images, "--backbone", "VGG16", "--quiet")
    assert outcome.code == 2
    assert network("VGG16").url in outcome.err
    assert not Path("runs").exists()


def test_imagenet_weights_are_downloaded_only_when_asked(
    small_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fake(url: str, target: Path, **options: object) -> None:
        asked.append(url)
        target.write_bytes(small_weights.read_bytes())

    (tmp_path / "weights").mkdir()
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("greycard.models.weights.download", fake)
    with pytest.raises(GreycardError):
        find_weights(network("MobileNet"), None, None, _nothing)
    assert not asked
    found = find_weights(network("MobileNet"), None, "imagenet", _nothing)
    assert asked == [network("MobileNet").url]
    assert found == [tmp_path / "weights" / network("MobileNet").file]
    assert find_weights(network("MobileNet"), None, "imagenet", _nothing) == found
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbone_layer": "mixed99"}, "no layer 'mixed99'"),
        ({"image_size": 8}, "cannot be built"),
        ({"channels": 1}, "takes RGB"),
        ({"backbone": "VGG16", "backbone_alpha": 0.5}, "cannot be built"),
    ],
)
def test_what_cannot_be_built_is_a_clear_error(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GreycardError, match=words):
        build_model(_recipe("MobileNet", 32, **changes) if "backbone" not in changes else _asked(changes), 2)


def _asked(changes: dict[str, Any]) -> Recipe:
    return _recipe("MobileNet", 32).replace(**changes)
