"""What `train` chooses for a folder: by the number and kind of the images and the available weights, with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import greycard
from conftest import make_folder
from greycard.datasets.dataset import Dataset, Split
from greycard.jobs.choose import choose_recipe
from greycard.models.build import build_model
from greycard.models.preferred import PREFERRED
from greycard.recipe import Recipe
from greycard.recipe.model import ConvNetConfig, PretrainedConfig, ProbeConfig, ResNetConfig
from greycard.recipe.stopping import StoppingConfig
from greycard.training.image_kind import ImageKind, image_kind
from greycard.training.recommend import Task, from_scratch, probe, transfer
from greycard.training.scratch import operations

PHOTOS = ImageKind(300)
DIGITS = ImageKind(28, grey=True, drawn=True, mirrored=False)


def _task(count: int, kind: ImageKind = PHOTOS, **facts: Any) -> Task:
    return Task("folder", count, count // 5, kind, **facts)


def _photographs(side: int, count: int = 40, classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    return _dataset(np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8), classes)


def _dataset(images: np.ndarray, classes: tuple[str, ...] = ("cat", "dog")) -> Dataset:
    split = Split(tuple(map(str, range(len(images)))), np.arange(len(images)) % len(classes), images)
    return Dataset("folder", classes, split, split)


@pytest.mark.parametrize(
    ("count", "kind", "words", "expected"),
    [
        (300, PHOTOS, "at 112 px", {"blocks": (1, 1, 1), "stem_stride": 2, "image_size": (112, 112), "batch_size": 32}),
        (25_000, PHOTOS, "at 64 px", {"image_size": (64, 64), "batch_size": 128}),
        (50_000, ImageKind(32), "only 32 px wide, and no weights", {"image_size": (32, 32), "channels": 3}),
        (9_000, DIGITS, "only 28 px wide", {"blocks": (1, 0, 1), "image_size": (28, 28), "channels": 1}),
        (300, ImageKind(48), "only 48 px wide", {"blocks": (1, 0, 1)}),
        (300, ImageKind(56), "at 56 px", {"blocks": (1, 1, 1)}),
        (300, ImageKind(9), "only 9 px wide", {"blocks": (1, 1), "image_size": (12, 12)}),
        (300, ImageKind(128, grey=True, drawn=True, mirrored=False), "are drawings", {"channels": 1}),
    ],
)
def test_without_weights_the_residual_net_is_augmented_whatever_the_number(
    count: int, kind: ImageKind, words: str, expected: dict[str, object]
) -> None:
    chosen = from_scratch(_task(count, kind), "no weights")
    assert words in chosen.reason
    assert {name: chosen.recipe.settings()[name] for name in expected} == expected
    assert chosen.recipe.model.kind == "resnet"
    assert chosen.recipe.augmentation is not None
    assert chosen.recipe.augmentation.horizontal_flip is kind.mirrored
    assert (chosen.recipe.prediction.views == "flip") is kind.mirrored
    assert (chosen.recipe.prediction.center_crop < 1) is (chosen.recipe.augmentation.crop_scale is not None)
    assert build_model(chosen.recipe.replace(task="multiclass"), 3).feature_map is not None


@pytest.mark.parametrize("precision", ["bfloat16", "float32"])
def test_the_epochs_of_a_schedule_fit_into_the_minutes(precision: str) -> None:
    def epochs(count: int, kind: ImageKind, minutes: float) -> int:
        return from_scratch(_task(count, kind, minutes=minutes, precision=precision), "").recipe.training.epochs

    few, many = epochs(60_000, DIGITS, 10), epochs(60_000, DIGITS, 60)
    assert 5 < few < 20
    assert 5 * few < many < 7 * few + 7
    assert epochs(60_000, DIGITS, 0.1) == 5
    assert epochs(100, PHOTOS, 60) == 100


@pytest.mark.parametrize(("minutes", "pixels"), [(10, 64), (60, 112)])
def test_photographs_are_larger_only_where_the_whole_schedule_fits(minutes: float, pixels: int) -> None:
    recipe = from_scratch(_task(2_500, minutes=minutes, precision="bfloat16"), "").recipe
    assert (recipe.data.image_size, recipe.training.epochs) == ((pixels, pixels), 100)


def test_bfloat16_is_expected_to_be_faster() -> None:
    by_precision = [from_scratch(_task(60_000, DIGITS, precision=each), "") for each in ("float32", "bfloat16")]
    slow, fast = (chosen.recipe.training.epochs for chosen in by_precision)
    assert slow < fast


@pytest.mark.parametrize("settings", [{}, {"stem_stride": 2}, {"blocks": (0, 2, 1), "width": 8}])
def test_the_operations_of_a_network_are_those_of_its_convolutions(settings: dict[str, Any]) -> None:
    model = ResNetConfig(**settings)
    recipe = Recipe.make("r", "d", model=model, image_size=38, channels=3, task="multiclass")
    convolutions = [each for each in build_model(recipe, 3).network.layers if isinstance(each, keras.layers.Conv2D)]
    forward = sum(2 * np.prod(each.kernel.shape) * np.prod(each.output.shape[1:3]) for each in convolutions)
    assert operations(model, 38, 3) == 3 * forward


@pytest.mark.parametrize(
    ("count", "minutes", "pixels", "words"),
    [
        (25_000, 10, 224, "the size of its own training images"),
        (25_000, 3, 160, "224 px would take about 2 minutes"),
        (200_000, 10, 128, "take about 6 minutes on 2 cores"),
        (300, 1, 224, "take about 2 s on 2 cores"),
    ],
)
def test_the_size_is_what_the_weights_were_trained_at_where_the_time_allows(
    count: int, minutes: float, pixels: int, words: str
) -> None:
    chosen = transfer(_task(count, minutes=minutes), "MobileNetV2", "available")
    assert chosen.recipe.data.image_size == (pixels, pixels)
    assert words in chosen.reason
    assert chosen.recipe.stopping.minutes == minutes


@pytest.mark.parametrize(
    ("count", "kind", "views", "pixels"),
    [
        (2_000, PHOTOS, "flip", 224),
        (2_000, ImageKind(300, mirrored=False), None, 224),
        (50_000, PHOTOS, None, 224),  # the mirror images do not fit into the time
        (100_000, PHOTOS, None, 160),
    ],
)
def test_a_probe_uses_mirror_images_where_they_show_the_class_and_fit_the_time(
    count: int, kind: ImageKind, views: str | None, pixels: int
) -> None:
    chosen = probe(_task(count, kind), ["MobileNetV2"], "available")
    assert chosen.recipe.prediction.views == views
    assert chosen.recipe.data.image_size == (pixels, pixels)
    assert ("mirror image" in chosen.reason) == (views is not None)
    assert chosen.recipe.model == ProbeConfig(backbones=("MobileNetV2",))


def test_two_networks_take_the_time_of_both() -> None:
    one, two = (probe(_task(40_000), names, "").recipe for names in (["MobileNetV2"], ["MobileNetV2", "ResNet50"]))
    assert one.data.image_size == (224, 224)
    assert two.data.image_size == (128, 128)


@pytest.mark.parametrize("part", ["last", "all"])
def test_fine_tuning_has_epochs_and_a_small_rate(part: str) -> None:
    recipe, reason = choose_recipe(_photographs(64), weights="imagenet", changes={"fine_tune": part, "epochs": 3})
    assert recipe.model.fine_tune == part
    assert recipe.optimizer.learning_rate == 1e-4
    assert (recipe.augmentation is not None) == (part == "all")
    assert "fine-tuned" in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"epochs": 3},
        {"dropout": 0.5},
        {"rotation_range": 10},
        {"label_smoothing": 0.1},
        {"mixup": 0.2},
        {"backbone_layer": "x"},
    ],
)
def test_a_setting_for_epochs_chooses_a_head_that_has_them(changes: dict[str, Any]) -> None:
    recipe, reason = choose_recipe(_photographs(64), weights="imagenet", changes=changes)
    assert isinstance(recipe.model, PretrainedConfig)
    assert "your settings are for a head that is trained by epochs" in reason
    assert recipe.replace(**changes)


@pytest.mark.parametrize(
    ("changes", "family"),
    [
        ({"conv": (8, 16)}, ConvNetConfig),
        ({"model.kind": "convnet"}, ConvNetConfig),
        ({"model": ConvNetConfig(conv=(8,))}, ConvNetConfig),
        ({"width": 8}, ResNetConfig),
        ({"model.kind": "resnet"}, ResNetConfig),
    ],
)
def test_a_setting_of_a_network_from_scratch_chooses_it_in_spite_of_weights(
    changes: dict[str, Any], family: type
) -> None:
    recipe = choose_recipe(_photographs(64), weights="imagenet", changes=changes)[0].replace(**changes)
    assert isinstance(recipe.model, family)
    assert recipe.augmentation is not None
    assert recipe.data.image_size == (64, 64)


def test_every_network_has_a_size_and_an_unknown_one_is_taken_for_slow() -> None:
    for network in PREFERRED:
        chosen = transfer(_task(1_000), network.name, "available").recipe
        assert chosen.data.image_size == (network.pixels, network.pixels)
    assert transfer(_task(50_000), "VGG16", "asked for").recipe.data.image_size == (128, 128)


def test_a_head_trains_to_a_plateau_and_a_network_to_the_end_of_its_schedule() -> None:
    head, network = transfer(_task(300), "MobileNetV2", "").recipe, from_scratch(_task(300), "").recipe
    assert head.stopping == StoppingConfig(keep="best", patience=10, minutes=10)
    assert network.stopping == StoppingConfig(keep="best", minutes=10)
    assert network.schedule.kind == "onecycle"


def test_kinds_of_images_are_told_apart() -> None:
    drawing = np.zeros((40, 28, 28), dtype=np.uint8)
    drawing[:, 8:20, 12:16] = 255
    assert image_kind(_dataset(drawing)) == DIGITS
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 64), dtype=np.uint8)
    assert image_kind(_dataset(noise)) == ImageKind(64, grey=True, drawn=False, mirrored=False)
    assert image_kind(_photographs(32)) == ImageKind(32)
    assert image_kind(greycard.load_dataset("digits")).drawn


@pytest.mark.parametrize(
    ("classes", "mirrored"),
    [
        (("cat", "dog"), True),
        (("0", "1", "10"), False),
        (("A", "B"), False),
        (("turn_left", "turn_right", "stop"), False),
        (("bright", "cleft"), True),
    ],
)
def test_what_has_a_left_and_a_right_is_not_mirrored(classes: tuple[str, ...], mirrored: bool) -> None:
    assert image_kind(_photographs(32, classes=classes)).mirrored is mirrored


def test_a_folder_of_grey_files_is_grey(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "grey", ("",), ("cat", "dog"), 4)
    for file in folder.rglob("*.jpg"):
        from PIL import Image

        Image.open(file).convert("L").save(file)
    (folder / "cat" / "000.jpg").write_bytes(b"no image")
    assert image_kind(greycard.load_folder(folder)).grey


@pytest.mark.parametrize("count", [40, 20_000])
def test_weights_at_hand_are_used_for_photographs_whatever_their_number(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mobilenet_v2_1.0_224_notop.weights.h5").touch()
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path))
    one = np.broadcast_to(_photographs(64).train.images[:1], (count, 64, 64, 3))
    recipe, reason = choose_recipe(_dataset(one))
    assert (recipe.model.backbones, recipe.data.image_size) == (("MobileNetV2",), (224, 224))
    assert "weights are available" in reason
    assert choose_recipe(_dataset(one), weights="none")[0].backbones == ()
    assert choose_recipe(_photographs(32))[0].settings()["backbones"] == ("MobileNetV2",)
    assert choose_recipe(_photographs(11))[0].backbones == ()  # too small to see much in
    grey = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    assert choose_recipe(_dataset(grey))[0].backbones == ()
    assert choose_recipe(_dataset(np.zeros((40, 64, 64), np.uint8)))[0].backbones == ()  # drawn


def test_limits_that_are_set_count_for_the_choice() -> None:
    dataset = _dataset(np.broadcast_to(_photographs(64).train.images[:1], (40_000, 64, 64, 3)))
    chosen = [
        choose_recipe(dataset, weights="imagenet", changes=changes)[0]
        for changes in ({"minutes": 1}, {"minutes": 1, "train_limit": 1000, "val_limit": 1000}, {"minutes": None})
    ]
    assert [recipe.data.image_size for recipe in chosen] == [(128, 128), (224, 224), (160, 160)]
    with pytest.raises(greycard.GreycardError, match="minutes must be"):
        choose_recipe(dataset, changes={"minutes": "soon"})


def test_weights_are_looked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_folder(tmp_path / "images", ("",), ("a", "b"), 4)
    large = _photographs(64)
    assert choose_recipe(large)[0].backbones == ()
    (tmp_path / "mobilenet_v2_1.0_224_notop.weights.h5").touch()
    assert choose_recipe(large, weights=tmp_path)[0].settings()["backbones"] == ("MobileNetV2",)
    assert choose_recipe(large, weights="none")[0].backbones == ()
    assert choose_recipe(large, weights="imagenet")[0].settings()["backbones"] == ("MobileNetV2",)
    assert "--weights names" in choose_recipe(large, weights=tmp_path)[1]
    assert "--backbone names it" in choose_recipe(large, backbone="VGG16")[1]
    monkeypatch.setenv("GREYCARD_WEIGHTS", str(tmp_path))
    assert choose_recipe(large)[0].settings()["backbones"] == ("MobileNetV2",)
    for useless in (tmp_path / "nowhere", tmp_path / "images"):
        with pytest.raises(greycard.GreycardError, match="has no file with the name of a network"):
            choose_recipe(large, weights=useless)
    narrow = tmp_path / "mobilenet_0.25_224_notop.weights.h5"
    narrow.touch()
    recipe = choose_recipe(large, weights=narrow)[0]
    assert (recipe.model.backbones, recipe.model.backbone_alpha) == (("MobileNet",), 0.25)
