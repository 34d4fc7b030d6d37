"""The measurements: plain Keras does what the recipes say, figures are summarised rightly, the page shows them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conftest import an_epoch, make_folder
from greycard.backend import measurements
from greycard.backend.choices import Measured, Shape, Table
from greycard.core.epoch import Epoch
from greycard.datasets.load import load_dataset
from greycard.models.build import build_model
from greycard.models.tuning import split_below_tuned
from greycard.projects import find_project, projects
from greycard.projects.augmentations import PUBLISHED_AUGMENTATION
from greycard.recipe import Recipe
from greycard.training.recommend import TUNING_RATE

pytestmark = pytest.mark.filterwarnings("ignore:Please import `affine_transform`:DeprecationWarning")  # Keras's own

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MEASURED = {
    "command": "python benchmarks/rows.py",
    "commit": "0123456789ab",
    "date": "2026-11-23",
    "environment": {
        "machine": "an abacus, 2 cores",
        "keras": "3.15.1",
        "backend": "tensorflow",
        "backend_version": "2.21.0",
        "python": "3.11.7",
    },
}


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import one of the scripts by its name, as they import each other."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "plain"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module


@pytest.fixture
def plain(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[dict[str, Any], dict[str, bool]]]:
    """Run a plain script for one epoch: its line, and which validation images are right."""

    def run(script: str, *words: str | Path) -> tuple[dict[str, Any], dict[str, bool]]:
        correct = tmp_path / "correct.npz"
        monkeypatch.setattr(sys, "argv", [script, *map(str, words), "--epochs", "1", "--correct", str(correct)])
        benchmark(script).main()
        with np.load(correct) as file:
            right = dict(zip(file["ids"].tolist(), file["correct"].tolist(), strict=True))
        return json.loads(capsys.readouterr().out.splitlines()[-1]), right

    return run


def _trained(compare: ModuleType, seconds: list[float], total: float, correct: dict[str, bool]) -> Any:
    accuracies = {"train_accuracy": 0.9, "val_accuracy": 0.8}
    history = [an_epoch(n + 1, seconds=each, **accuracies) for n, each in enumerate(seconds)]
    return compare.Trained(0, history, total, total, 1000.0, 600.0, correct)


def _row(compare: ModuleType, **fields: Any) -> dict[str, Any]:
    plain = _trained(compare, [50.0, 20.0, 22.0], 100.0, {"a/1": True, "a/2": True, "b/1": False})
    ours = _trained(compare, [9.0, 7.0, 7.0], 30.0, {"a/1": True, "a/2": False, "b/1": False})
    told = {"project": "cats-dogs-3k-cnn", "whole": False, "epochs": 3, "data": None, "measured": MEASURED}
    return told | compare.summarise([plain], [ours]) | fields


def test_the_command_of_a_result_names_no_folder_of_a_machine(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = ["peers/side_by_side.py", str(tmp_path / "cats"), "--seed", "1"]
    monkeypatch.setattr("sys.argv", [str(BENCHMARKS / words[0]), *words[1:]])
    assert benchmark("result").command() == "python benchmarks/peers/side_by_side.py cats --seed 1"


@pytest.mark.parametrize("path", sorted(BENCHMARKS.rglob("results/**/*.json")), ids=lambda path: path.name)
def test_committed_results_name_no_folder_of_a_machine(path: Path) -> None:
    commands = re.findall(r'"command": "(.+)"', path.read_text(encoding="utf-8"))
    assert not [word for command in commands for word in command.split() if Path(word).is_absolute()]


def test_an_epochs_seconds_leave_the_warm_up_out(benchmark: Any) -> None:
    row = _row(benchmark("compare"))
    assert (row["plain"]["seconds_per_epoch"], row["greycard"]["seconds_per_epoch"]) == (21.0, 7.0)
    assert (row["ratio"], row["total_ratio"]) == (3.0, pytest.approx(100 / 30))
    assert row["plain"]["first_epoch_seconds"] == 50.0


def test_an_only_epoch_counts(benchmark: Any) -> None:
    assert benchmark("compare").settled([an_epoch(seconds=3.0)]) == [3.0]


def test_rounds_are_taken_together(benchmark: Any) -> None:
    compare = benchmark("compare")
    rounds = [_trained(compare, seconds, 10.0, {}) for seconds in ([9.0, 1.0, 2.0], [9.0, 3.0, 30.0])]
    assert compare.side(rounds)["seconds_per_epoch"] == 2.5


def test_the_paired_difference_counts_who_alone_is_right(benchmark: Any) -> None:
    """p = 2 × (1 + 6) / 2⁶: of six images that one side alone has right, at most one falls to the weaker."""
    plain = dict.fromkeys("abcdefghi", True) | {"c": False, "x": True}
    ours = dict.fromkeys("cdefghi", False) | {"a": True, "b": True, "c": True, "i": True, "y": True}
    counted = benchmark("compare").paired(plain, ours)
    assert counted | {"p": None} == {
        "images": 9,
        "both_right": 3,
        "only_plain_right": 5,
        "only_greycard_right": 1,
        "p": None,
    }
    assert counted["p"] == pytest.approx(2 * 7 / 64)


def test_sides_that_agree_differ_by_chance_alone(benchmark: Any) -> None:
    assert benchmark("compare").paired({"a": True}, {"a": True})["p"] == 1.0


def test_a_row_measured_again_takes_its_own_place(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = benchmark("result")
    monkeypatch.setattr(result, "environment", lambda: MEASURED["environment"])
    monkeypatch.setattr(result, "commit", lambda: MEASURED["commit"])
    for rows in ([("a", 1), ("b", 2)], [("a", 3)]):
        file = result.ResultFile("times", ("what",), folder=tmp_path)
        for what, seconds in rows:
            file.put({"what": what, "seconds": seconds})
    assert [(row["what"], row["seconds"]) for row in file.rows()] == [("a", 3), ("b", 2)]
    assert all(row["measured"].keys() == MEASURED.keys() for row in file.rows())


def test_the_page_is_up_to_date_with_the_result_files(benchmark: Any) -> None:
    text = (BENCHMARKS.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert benchmark("page").page() in text, "run `make docs`"
    text = (BENCHMARKS.parent / "docs" / "check.md").read_text(encoding="utf-8")
    assert benchmark("page").doctor_page() in text, "run `make docs`"


def test_the_page_has_a_section_for_each_file_that_is_there(benchmark: Any, tmp_path: Path) -> None:
    page, compare = benchmark("page"), benchmark("compare")
    assert page.page(tmp_path) == ""
    rows = [_row(compare), _row(compare, project="cats-dogs-25k-cnn", data="2,500 links: times only")]
    (tmp_path / "rows.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = page.page(tmp_path)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["An epoch", "The same accuracy"]
    assert "| `cats-dogs-3k-cnn` | not recorded | 21.0 s | 7.0 s | 3.00× | 100.0 s (3 epochs) |" in text
    assert text.count("`cats-dogs-25k-cnn` *") == 1, "no accuracy where images are in both parts"
    assert "an abacus, 2 cores, Keras 3.15.1 on tensorflow 2.21.0, Python 3.11.7 (2026-11-23 at `0123456789ab`)" in text


def test_the_ten_rows_are_added_up_by_their_published_epochs(benchmark: Any, tmp_path: Path) -> None:
    recipes = [
        project.recipe for project in projects()[:12] if project.recipe.data.dataset != benchmark("large").DATASET
    ]
    rows = [_row(benchmark("compare"), project=recipe.name, whole=bool(recipe.pretrained)) for recipe in recipes]
    (tmp_path / "rows.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = benchmark("page").page(tmp_path)
    # 550 epochs of 21 s and 7 s, and two whole runs of 100 s and 30 s: 11,750 s and 3,910 s
    assert "take 3.3 h in plain Keras and 1.1 h in Greycard: 3.01× (processor has: not recorded)." in text


def test_the_operations_of_an_epoch_are_counted(benchmark: Any) -> None:
    first, second, head = 2 * 784 * 512, 2 * 512 * 512, 2 * 512 * 10
    dense = 60_000 * (2 * first + 3 * (second + head)) + 10_000 * (first + second + head)
    assert benchmark("ceiling").epoch_operations(find_project("mnist-dnn").recipe, "float32") == dense


def test_a_quarter_of_winograds_convolutions_counts_in_training(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mnist-cnn: 26×26 places of 9 weights, 11×11 of 9×64 by Winograd's way, and the dense layers."""
    gray, wide, dense, head = 2 * 676 * 9 * 64, 2 * 121 * 576 * 64, 2 * 1600 * 512, 2 * 512 * 10
    trained = 60_000 * (2 * gray + 3 * (wide / 4 + dense + head))
    ways = [
        Measured(Shape("conv + pool", "float32", 28, 1, 64), {"onednn": 1.0, "winograd": 2.0}),
        Measured(Shape("conv + pool", "float32", 13, 64, 64), {"onednn": 2.0, "winograd": 1.0}),
    ]
    monkeypatch.setattr(measurements, "table", lambda: Table(tuple(ways)))
    assert benchmark("ceiling").epoch_operations(find_project("mnist-cnn").recipe, "float32") == pytest.approx(
        trained + 10_000 * (gray + wide + dense + head)
    )


@pytest.mark.parametrize("name", ["horses-humans-cnn", "cats-dogs-3k-cnn", "cats-dogs-25k-cnn"])
@pytest.mark.parametrize("ending", ["", "-augmented"])
def test_plain_keras_trains_the_recipe(benchmark: Any, name: str, ending: str) -> None:
    row, recipe = benchmark("folders").ROWS[name + ending], find_project(name + ending).recipe
    assert ((row.size, row.size), row.filters, row.learning_rate) == (
        recipe.data.image_size,
        recipe.model.conv,
        recipe.optimizer.learning_rate,
    )
    assert (row.batch, row.val_batch) == (recipe.training.batch_size, recipe.training.val_batch_size)
    assert row.augmented is (recipe.augmentation is not None)


def test_plain_keras_transfers_with_the_recipes_batches(benchmark: Any) -> None:
    for name, batch in benchmark("transfer").BATCH.items():
        recipe = find_project(name).recipe
        assert (recipe.training.batch_size, recipe.training.val_batch_size) == (batch, batch)


def test_plain_augmentation_is_the_published_one(benchmark: Any) -> None:
    generator = benchmark("folders").augmenting()
    same = ("rotation_range", "width_shift_range", "height_shift_range", "shear_range", "horizontal_flip", "fill_mode")
    assert all(getattr(generator, name) == getattr(PUBLISHED_AUGMENTATION, name) for name in same)
    assert tuple(generator.zoom_range) == PUBLISHED_AUGMENTATION.zoom


@pytest.mark.parametrize(
    ("script", "name"), [("mnist", "fashion-mnist-cnn"), ("folders", "cats-dogs-3k-cnn-augmented")], ids=lambda it: it
)
def test_a_plain_script_trains_and_tells(plain: Any, script: str, name: str, tmp_path: Path) -> None:
    data = _digits(tmp_path) if script == "mnist" else _images(tmp_path)
    line, correct = plain(script, name, "--data", data)
    parts = line["history"][0]
    assert Epoch.from_json(parts).epoch == 1
    assert parts["seconds"] == pytest.approx(parts["train_seconds"] + parts["val_seconds"])
    assert line["total_seconds"] > parts["seconds"]
    assert line["peak_memory_mb"] > 100
    assert np.mean(list(correct.values())) == pytest.approx(parts["val_accuracy"])


@pytest.mark.slow
def test_the_plain_transfer_script_trains(plain: Any, real_weights: Path, tmp_path: Path) -> None:
    weights = real_weights / "inceptionv3_to_mixed7.weights.h5"
    line, correct = plain("transfer", "cats-dogs-3k-transfer", "--data", _images(tmp_path), "--weights", weights)
    assert np.mean(list(correct.values())) == pytest.approx(line["history"][0]["val_accuracy"])
    assert sorted(correct)[0] == "cats/000.jpg"


@pytest.mark.slow
def test_a_row_is_measured_on_both_sides(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREYCARD_DATA", str(real_data))
    words = [sys.executable, str(BENCHMARKS / "rows.py"), "fashion-mnist-dnn", "--quick"]
    row = json.loads(subprocess.check_output(words, stderr=subprocess.DEVNULL).splitlines()[-1])
    assert row["project"] == "fashion-mnist-dnn"
    assert row["ratio"] > 0
    assert row["paired"][0]["images"] > 0


def test_a_child_is_measured_by_itself(benchmark: Any) -> None:
    filled = "import time; kept = b'1' * 300_000_000; time.sleep(0.5); print(len(kept))"
    finished = benchmark("child").run([sys.executable, "-c", filled])
    assert finished.output == "300000000\n"
    assert finished.seconds > 0.5
    assert finished.peak_memory_mb > 300


def test_a_child_that_fails_says_why(benchmark: Any) -> None:
    with pytest.raises(RuntimeError, match="ended with 3:\nno images"):
        benchmark("child").run([sys.executable, "-c", "import sys; sys.stderr.write('no images'); sys.exit(3)"])


def test_the_large_folder_is_the_full_sets_layout(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREYCARD_DATA", str(tmp_path))
    make_folder(tmp_path / "cats_and_dogs_filtered", ("train", "validation"), ("cats", "dogs"), 3)
    root = tmp_path / "large"
    assert benchmark("large").build(root, share=0.0016) == 40
    recipe = find_project("cats-dogs-25k-cnn").recipe
    dataset = load_dataset(
        recipe.data.dataset, root, val_fraction=recipe.data.val_fraction, split_seed=recipe.data.split_seed
    )
    for part, split in (("train", dataset.train), ("validation", dataset.validation)):
        plain = (root / "cats-vs-dogs" / part).rglob("*.jpg")
        assert {f"{path.parent.name}/{path.name}" for path in plain} == set(split.ids)
    assert (len(dataset.train), len(dataset.validation)) == (36, 4)


def _digits(folder: Path) -> Path:
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (40, 28, 28), dtype=np.uint8), random.integers(0, 10, 40)
    np.savez(folder / "mnist.npz", x_train=images, y_train=labels, x_test=images[:20], y_test=labels[:20])
    return folder


def _images(folder: Path) -> Path:
    return make_folder(folder / "images", ("train", "validation"), ("cats", "dogs"), 4)


@pytest.fixture
def peer(benchmark: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import one of the scripts of `peers/`."""
    monkeypatch.syspath_prepend(str(BENCHMARKS / "peers"))
    return import_module


TABLE_ROWS = ("mnist-dnn", "mnist-cnn", "horses-humans-cnn", "cats-dogs-3k-cnn", "cats-dogs-25k-cnn")


@pytest.mark.parametrize("name", TABLE_ROWS)
def test_a_peers_row_is_the_tables(peer: Any, name: str) -> None:
    row, recipe = peer("step_rows").ROWS[name], find_project(name).recipe
    assert peer("greycard_steps").recipe(row).model == recipe.model
    assert (row.batch, row.learning_rate) == (recipe.training.batch_size, recipe.optimizer.learning_rate)
    assert row.optimizer == recipe.optimizer.kind
    assert ((row.size, row.size), row.channels) == (recipe.data.image_size, recipe.data.channels)


@pytest.mark.parametrize("name", ["mnist-dnn", "mnist-cnn", "cats-dogs-25k-cnn", "resnet-24"])
def test_the_peers_have_greycards_network(peer: Any, name: str) -> None:
    """The same number of trained weights in the same order of sizes."""
    row = peer("step_rows").ROWS[name]
    ours = build_model(peer("greycard_steps").recipe(row).replace(task=_task(row.classes)), row.classes).network
    keras_network = peer("keras_network").network(row)
    shapes = [tuple(weight.shape) for weight in ours.trainable_weights]
    assert [tuple(weight.shape) for weight in keras_network.trainable_weights] == shapes
    pytest.importorskip("torch")
    torch_sizes = [weight.numel() for weight in peer("torch_steps").network(row).parameters()]
    assert torch_sizes == [int(np.prod(shape)) for shape in shapes]


def test_the_peers_tune_greycards_last_block(peer: Any, tmp_path: Path) -> None:
    data, weights = peer("last_block_data"), tmp_path / "mobilenet_v2_1.0_224_notop.weights.h5"
    base = data.backbone(None)
    base.save_weights(weights)
    fields: dict[str, Any] = {"backbones": ("MobileNetV2",), "fine_tune": "last", "image_size": data.SIZE}
    recipe = Recipe.make(name="tuned", dataset="tuned", task="binary", **fields)
    ours = split_below_tuned(build_model(recipe, 2, weights)).top.network
    keras_network = data.last_block(ours.input_shape[1:], base)
    assert base.get_layer(data.BELOW).output.shape == ours.input.shape
    assert (recipe.training.batch_size, TUNING_RATE) == (data.BATCH, data.RATE)
    body = zip(keras_network.get_weights()[:-2], ours.get_weights()[:-2], strict=True)
    assert all(np.array_equal(one, other) for one, other in body)
    torch = pytest.importorskip("torch")
    network = peer("torch_last_block").last_block()
    peer("torch_last_block").set_weights(network, keras_network.get_weights())
    maps = np.random.default_rng(0).random((2, *ours.input_shape[1:]), dtype=np.float32)
    logits = network(torch.from_numpy(maps).permute(0, 3, 1, 2)).detach()
    assert torch.sigmoid(logits).numpy() == pytest.approx(np.asarray(keras_network(maps)), abs=1e-4)


def _task(classes: int) -> str:
    return "binary" if classes == 2 else "multiclass"


def test_the_page_shows_steps_and_epochs_beside_peers(benchmark: Any, tmp_path: Path) -> None:
    speeds = {"Greycard": 300.0, "Keras bfloat16": 200.0, "PyTorch float32": 100.0}
    best = {"Keras": "Keras bfloat16", "PyTorch": "PyTorch float32"}
    common = {"instructions": "avx2", "measured": MEASURED}
    steps = [common | {"row": "a", "images_per_second": speeds, "best": best, "ratio": 1.5, "share_of_peak": 0.6}]
    steps.append(steps[0] | {"row": "b", "ratio": 6.0})
    last_block = [steps[0] | {"images_per_second": speeds | {"Tutorial": 60.0}}]
    memory = {"Greycard": 1000.0, "Keras float32": 2000.0}
    seconds = {"Greycard": 5.0, "Keras float32": 10.0}
    epochs = [common | {"row": "a", "seconds_per_epoch": seconds, "best": "Keras float32", "ratio": 2.0}]
    epochs[0]["peak_memory_mb"] = memory
    sides = ["Greycard float32", "Greycard bfloat16", "Keras float32", "Keras bfloat16", "Keras bfloat16 at-once 32"]
    speeds = dict(zip(sides, (4000.0, 3000.0, 400.0, 500.0, 1000.0), strict=True))
    backends = [common | {"row": "a", "on": "avx2", "backend": "jax", "images_per_second": speeds, "ratio": 4.0}]
    sides = {"val_accuracy": {"float32": 0.9, "bfloat16": 0.8}, "only_right": {"float32": 30, "bfloat16": 20}}
    precisions = [common | sides | {"project": "a", "epochs": 5, "seed": 1, "p": 0.2}]
    found = {"steps": steps, "epochs": epochs, "backends": backends, "precisions": precisions, "last_block": last_block}
    for name, rows in found.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = benchmark("page").page(tmp_path)
    assert "| `a` | avx2 | 300 | 200 | bfloat16 | 100 | float32 | 1.50× | 60 % |" in text
    assert "The smallest ratio is 1.50×, the geometric mean 3.00×." in text
    assert "| `a` | avx2 | 300 | 200 | bfloat16 | 100 | float32 | 1.50× | 60 | 5.00× |" in text
    assert "| `a` | avx2 | jax | 4,000 | 3,000 | 400 | 1,000 | 4.00× |" in text
    assert "| `a` | avx2 | 5 | 1 | 90.00 % | 80.00 % | 30 | 20 | 0.2 |" in text
    assert "| `a` | avx2 | 10.0 s | float32 | 5.0 s | 2.00× | 2.00 GB | 1.00 GB |" in text


def test_the_page_shows_what_studio_needs(benchmark: Any, tmp_path: Path) -> None:
    accuracy = {"studio": [0.9, 0.92], "random": [0.8, 0.8], "unsure": [0.7, 0.72]}
    row = {"dataset": "a", "instructions": "avx2", "measured": MEASURED, "labels": 40, "images": 2000}
    teach = [row | {"accuracy": accuracy, "intervals": 2, "covering": 1, "seconds": 0.3}]
    speed = {"first_screen_seconds": 0.8, "frames_per_second": 59.9, "late_frames": 0.01}
    studio = [
        {"images": 20_000, "instructions": "avx2", "measured": MEASURED, **speed, "page_mb": 120, "server_mb": 90}
    ]
    for name, rows in {"teach": teach, "studio": studio}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = benchmark("page").page(tmp_path)
    assert "| `a` | 40 | 2,000 | 91.00 % ± 12.7 | 80.00 % ± 0.0 | 71.00 % ± 12.7 | 2 | 1 of 2 | 0.30 |" in text
    assert "| 20,000 | 0.80 | 60 | 1.00 % | 120 | 90 |" in text


def test_the_page_shows_exported_pages(benchmark: Any, tmp_path: Path) -> None:
    row = {"work": "pets", "model": "CNN 4", "image_size": [24, 32], "bytes": 4_100_000, "model_bytes": 90_000}
    row |= {"read_ms": 3.4, "compute_ms": 0.6, "same_answers": 1_199, "images": 1_200, "largest_difference": 0.0123}
    row |= {"pixels_mean": 0.256, "measured": MEASURED}
    (tmp_path / "html.json").write_text(json.dumps({"rows": [row]}))
    page = benchmark("page").page(tmp_path)
    assert "## Exported pages" in page
    assert "| pets: CNN 4 | 24×32 | 4.1 MB | 0.1 MB | 3 | 1 | 1,199 of 1,200 | 0.012 | 0.26 |" in page


def test_the_page_shows_what_is_refused(benchmark: Any, tmp_path: Path) -> None:
    by_score = {"auroc": {"a": [0.9, 1.0]}, "caught": {"a": [0.5, 0.7]}, "own": {"a": [0.03, 0.05]}}
    counts = {"train_images": 7, "calibration_images": 200, "own_images": 300, "stranger_images": 1000, "seeds": 2}
    asked = {"data": "d", "strangers": "cats", "model": "CNN", "measured": MEASURED, **counts, **by_score}
    refused = {"own": 0.04, "cats": 0.6}
    exported = {"data": "d", "format": "onnx", "refused": refused, "same": {"own": 1.0, "cats": 0.99}}
    rows = [asked, exported | {"measured": MEASURED}]
    (tmp_path / "rejection.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    text = benchmark("page").page(tmp_path)
    assert "| `d` | cats, 1,000 | 2 | 0.950, 60 % |" in text
    assert "| `d` | CNN | 200 | 300 | 4.0 % (3.0 to 5.0) |" in text
    assert "| `d` | onnx | 4.0 % | cats 60 % | 99.0 % |" in text
