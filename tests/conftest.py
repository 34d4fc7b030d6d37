"""Fixtures: user directories in a temporary folder, the command line in this process, images to train on."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from greycard.backend import configure
from greycard.core.epoch import Epoch
from greycard.core.paths import runtimes_dir
from greycard.deploy.export.formats import find_format
from greycard.deploy.export.web_runtime import runtime_file
from greycard.evaluation.timing import TimeSpent
from greycard.models.imagenet import LITE0
from greycard.models.packaged import EXTRA, packaged_files
from greycard.runs.schema import Summary

if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the cores: threads of theirs would only wait
    os.environ.setdefault("GREYCARD_THREADS", "1")
gc.set_threshold(50_000)  # collections walk over all of TensorFlow's objects: 6 % of the time
configure()
pytest_plugins = ("label_grids", "processes")
"""Fixtures of images with several labels, and of commands in other processes."""
# The same on every processor; `precision` below is for what has to hold in both.
os.environ.setdefault("GREYCARD_PRECISION", "float32")
# A busy machine is no failure.
settings.register_profile("greycard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("greycard")
_SHARED = Path(__file__).resolve().parents[2] / "shared"
_DATA = Path(os.environ.get("GREYCARD_DATA", _SHARED / "data"))
_WEIGHTS = Path(os.environ.get("GREYCARD_WEIGHTS", _SHARED / "weights"))
_RUNTIMES = runtimes_dir()  # of the user, before the tests have their own folders


@dataclass
class Outcome:
    """What a command line gave back."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def no_user_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For what is made once for a module or the session, as `own_directories` is for a test."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _move_home(tmp_path_factory, monkeypatch)
        yield


@pytest.fixture(autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's folders, and each starts in a folder of its own."""
    _move_home(tmp_path_factory, monkeypatch)
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))


def _move_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("KERAS_HOME", str(home / "keras"))
    monkeypatch.delenv("GREYCARD_DATA", raising=False)
    monkeypatch.delenv("GREYCARD_WEIGHTS", raising=False)
    monkeypatch.delenv("GREYCARD_RUNTIMES", raising=False)
    monkeypatch.setenv("GREYCARD_CACHE", str(home / "cache"))
    monkeypatch.delenv("GREYCARD_CACHE_LIMIT", raising=False)
    assert LITE0.package
    monkeypatch.setitem(sys.modules, LITE0.package, None)  # as if it were not installed; `lite0` shows it again


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What training computes in: first one, then the other, on any processor."""
    monkeypatch.setenv("GREYCARD_PRECISION", request.param)
    return request.param


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line; what it and the backend write to the terminal is captured at the file descriptors."""
    from greycard.cli.main import main

    def run(*words: str | Path) -> Outcome:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    return run


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Train, resume or call `by`; send this process a signal when training looks for one the n-th time; the run."""

    import greycard
    from greycard.training import checkpointer
    from greycard.training.interruption import InterruptedRunError

    def train(
        moment: int,
        *arguments: Any,
        resume: bool = False,
        by: Callable[..., object] | None = None,
        number: int = signal.SIGINT,
        said: str = "is saved",
        **changes: Any,
    ) -> Path:
        asked = checkpointer.Checkpointer.after_step
        calls = 0

        def after_step(self: checkpointer.Checkpointer, progress: Any) -> bool:
            nonlocal calls
            calls += 1
            if calls == moment:
                os.kill(os.getpid(), number)
            return asked(self, progress)

        with monkeypatch.context() as patch:
            patch.setattr(checkpointer.Checkpointer, "after_step", after_step)
            with pytest.raises(InterruptedRunError, match=said) as stop:
                (by or (greycard.resume if resume else greycard.train))(*arguments, **changes)
        return stop.value.run

    return train


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real datasets; the test is skipped where there is none."""
    if not (_DATA / "mnist").is_dir():
        pytest.skip(f"needs the real datasets in {_DATA.name}/ (GREYCARD_DATA)")
    return _DATA


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The folder of real ImageNet weights; the test is skipped where there is none."""
    if not list(_WEIGHTS.glob("*.h5")):
        pytest.skip(f"needs pretrained weights in {_WEIGHTS.name}/ (GREYCARD_WEIGHTS)")
    return _WEIGHTS


@pytest.fixture
def web_runtime(own_directories: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's copy of LiteRT.js, for exported pages; the test is skipped without it."""
    if not _RUNTIMES.is_dir():  # a folder that a variable names must exist
        pytest.skip("needs LiteRT.js: greycard fetch litert-web")
    monkeypatch.setenv("GREYCARD_RUNTIMES", str(_RUNTIMES))
    if not runtime_file().is_file():
        pytest.skip("needs LiteRT.js: greycard fetch litert-web")


@pytest.fixture
def form_is_possible(form: str, request: pytest.FixtureRequest) -> None:
    """For a test of an export format: it is skipped where what the format needs is missing."""
    missing = [name for name in find_format(form).needs if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")
    if form == "html":
        request.getfixturevalue("web_runtime")


@pytest.fixture
def lite0(own_directories: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the installed package with EfficientNet-Lite0's weights; other tests run as without the package."""
    assert LITE0.package
    monkeypatch.delitem(sys.modules, LITE0.package)
    files = packaged_files(LITE0)
    if not files:
        pytest.skip(f"needs the weights of {LITE0.name}: {EXTRA}")
    return files[0]


@pytest.fixture
def own_fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Only Matplotlib's own fonts are installed, and those that a test adds to this list of files."""
    from matplotlib import font_manager

    from greycard.reports import fonts

    installed: list[str] = []
    bundled = str(Path(font_manager.__file__).parent)
    known = [entry for entry in font_manager.fontManager.ttflist if entry.fname.startswith(bundled)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: installed)
    fonts.font_file.cache_clear()
    yield installed
    fonts.font_file.cache_clear()


def image(seed: int, brightness: int = 128, size: tuple[int, int] = (40, 48)) -> Image.Image:
    """A noisy RGB image (height, width) of about that brightness."""
    noise = np.random.default_rng(seed).integers(-60, 60, (*size, 3))
    return Image.fromarray(np.clip(brightness + noise, 0, 255).astype(np.uint8))


def make_folder(root: Path, parts: Sequence[str], classes: Sequence[str], count: int) -> Path:
    """Class folders with `count` JPEGs each, dark for the first class and lighter for each next."""
    for offset, part in enumerate(parts):
        for label, name in enumerate(classes):
            folder = root / part / name
            folder.mkdir(parents=True)
            for number in range(count):
                shade = 40 + 170 * label // max(len(classes) - 1, 1)
                image(1000 * offset + 100 * label + number, shade).save(folder / f"{number:03}.jpg", quality=90)
    return root


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """`train/` and `validation/` with two easily told classes of 12 images each."""
    return make_folder(tmp_path / "images", ("train", "validation"), ("dark", "light"), 12)


def awkward_images(place: Path, photo: Path) -> list[Path]:
    """The photograph in the forms that decoders differ on."""
    image = Image.open(photo).convert("RGB").resize((240, 160))
    shade = image.convert("L")
    clear = image.copy()
    clear.putalpha(shade.point(lambda value: 255 if value > 128 else 40))
    place.mkdir(exist_ok=True)
    for number in range(9):
        exif = Image.Exif()
        exif[0x0112] = number
        image.save(place / f"turned{number}.jpg", exif=exif)
    image.save(place / "turned.tiff", tiffinfo={0x0112: 6})
    image.resize((1600, 1100)).save(place / "large.jpg")
    image.resize((24, 24)).save(place / "as-it-is.png")
    image.convert("CMYK").save(place / "cmyk.jpg")
    shade.save(place / "grey.jpg")
    shade.convert("1").save(place / "two-tone.png")
    Image.fromarray(np.asarray(shade).astype(np.uint16) * 257).save(place / "deep.png")
    clear.save(place / "clear.png")
    clear.convert("LA").save(place / "clear-grey.png")
    clear.quantize(16).save(place / "palette.png")
    image.quantize(16).save(place / "palette.gif", transparency=3)
    return sorted(place.iterdir())


def pet_images(root: Path, count: int = 20) -> Path:
    """A small folder laid out like the official full Cats vs Dogs archive, its faults included."""
    make_folder(root / "PetImages", ("",), ("Cat", "Dog"), count)
    for path, name in ((root / "PetImages" / "Cat", "666.jpg"), (root / "PetImages" / "Dog", "11702.jpg")):
        (path / name).touch()
        (path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0 no image")
        image(7).save(path / "damaged-exif.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\x07\0broken")
    return root


def sign_language(root: Path, count: int = 60) -> Path:
    """Small CSV files like Sign Language MNIST's: labels 0 to 24 without 9, a brightness for each letter."""
    rng = np.random.default_rng(0)
    header = ",".join(["label", *(f"pixel{n}" for n in range(1, 785))])
    root.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        labels = rng.choice([0, 1, 2, 24], count)
        pixels = np.clip(labels[:, None] * 10 + rng.integers(0, 10, (count, 784)), 0, 255)
        rows = "\n".join(",".join(map(str, (label, *row))) for label, row in zip(labels, pixels, strict=True))
        (root / f"sign_mnist_{part}.csv").write_text(f"{header}\n{rows}\n")
    return root


def an_epoch(epoch: int = 1, **figures: Any) -> Epoch:
    """An epoch of a classifier, without training."""
    usual = {"train_loss": 0.1, "train_accuracy": 0.99, "val_loss": 0.2, "val_accuracy": 0.95}
    return Epoch(**({"epoch": epoch, "seconds": 1.0, "train_seconds": 0.8, "val_seconds": 0.2} | usual | figures))


def a_summary(**figures: Any) -> Summary:
    """The summary of a classifier, without training."""
    usual: dict[str, Any] = {
        "name": "pets",
        "dataset": "pets",
        "architecture": "dense 8",
        "train_images": 100,
        "val_images": 50,
        "epochs": 1,
        "epochs_planned": 1,
        "train_accuracy": 0.99,
        "val_accuracy": 0.95,
        "best_val_accuracy": 0.95,
        "best_epoch": 1,
        "train_loss_after": 0.1,
        "train_loss": 0.1,
        "val_loss": 0.2,
        "seconds_per_epoch": 1.0,
        "first_epoch_seconds": 1.0,
        "time": TimeSpent({"compute": 1.0}, 0.0, 100.0, 1.0, None),
        "parameters": 1234,
        "seed": 0,
        "precision": "float32",
        "machine": "a machine",
        "expected_memory_mb": 100.0,
    }
    return Summary(**(usual | figures))
