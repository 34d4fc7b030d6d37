"""Features that may be rounded: by OpenVINO where it is installed, faster and about right, and only those."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import greycard
from greycard import backend
from greycard.backend import inference
from greycard.backend.litert import LiteRT, convert
from greycard.training import features, probe

pytest.importorskip("tensorflow")

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 20, 20, 3), dtype=np.uint8)


def _network() -> keras.Model:
    backend.seed_everything(2)
    inputs = keras.Input((20, 20, 3), dtype="uint8")
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3)(x)))


class Rounding:
    """Stands for OpenVINO: LiteRT with an error.

    Attributes:
        error: relative.
    """

    error = 0.01

    def __init__(self, model: bytes) -> None:
        self._exact = LiteRT(model)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self._exact(images) * (1 + self.error)


class Wrong(Rounding):
    error = 0.5


def _raises(model: bytes) -> Any:
    raise RuntimeError("an operation OpenVINO does not have")


@pytest.mark.parametrize(
    ("engine", "quick", "precision", "used"),
    [
        (Rounding, True, "bfloat16", True),
        (Rounding, True, "float32", False),
        (Rounding, False, "bfloat16", False),
        (Wrong, True, "bfloat16", False),
        (_raises, True, "bfloat16", False),
    ],
    ids=["used", "not allowed to round", "not faster", "wrong", "fails"],
)
def test_openvino_is_used_where_it_may_round_and_is_faster_and_about_right(
    engine: Any, quick: bool, precision: str, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "OpenVino", engine)
    monkeypatch.setattr(inference, "_seconds", lambda engine, _: 1.0 if isinstance(engine, Rounding) == quick else 2.0)
    model = _network()
    found, expected = inference.fastest(model, precision)(IMAGES), model.predict_on_batch(IMAGES)
    np.testing.assert_allclose(found, expected * (1.01 if used else 1.0), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("installed", "best", "requested", "expected"),
    [
        (True, "bfloat16", "", "bfloat16"),
        (True, "bfloat16", "float32", "float32"),
        (True, "float32", "", "float32"),
        (False, "bfloat16", "", "float32"),
    ],
)
def test_features_are_rounded_with_the_package_on_a_processor_with_bfloat16_unless_refused(
    installed: bool, best: str, requested: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "is_installed", lambda: installed)
    monkeypatch.setattr(inference, "best_precision", lambda: best)
    monkeypatch.setenv("GREYCARD_PRECISION", requested)
    assert inference.rounded_precision() == expected


def test_a_probe_rounds_the_features_of_training_images_only(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """And the cache keeps both kinds apart."""
    asked: list[str] = []

    def fastest(model: keras.Model, precision: str) -> inference.Engine:
        asked.append(precision)
        return inference.by_keras(model)

    monkeypatch.setattr(features, "fastest", fastest)
    dataset = greycard.load_folder(images)
    first = greycard.Recipe.make(name="first", dataset="images", image_size=(24, 24), conv=(4,), epochs=1)
    network = str(greycard.train(first, dataset, out=tmp_path, quiet=True).path)
    second = greycard.Recipe.make(name="second", dataset="images", image_size=(24, 24), backbones=(network,))
    for precision, engines in (("float32", ["float32"]), ("bfloat16", ["bfloat16"]), ("bfloat16", [])):
        asked.clear()
        monkeypatch.setattr(probe, "rounded_precision", lambda precision=precision: precision)
        greycard.train(second, dataset, out=tmp_path)
        assert asked == engines
        assert ("features of training images in bfloat16" in capfd.readouterr().err) == (precision == "bfloat16")


@pytest.mark.slow
def test_openvino_computes_each_image_as_keras_does_and_keeps_their_order() -> None:
    pytest.importorskip("openvino", reason='needs pip install "greycard[openvino]"')
    from greycard.backend.openvino import OpenVino

    model = _network()
    engine, expected = OpenVino(convert(model)), model.predict_on_batch(IMAGES)
    for _ in range(3):
        found = engine(IMAGES)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
        assert np.array_equal(np.abs(found[:, None] - expected[None]).sum(axis=2).argmin(axis=1), np.arange(9))
    np.testing.assert_array_equal(engine(IMAGES[:1]), found[:1])


_TWO_ENDED = """
import gc, os, signal
import keras
import numpy as np
from greycard.backend.litert import convert
from greycard.backend.openvino import OpenVino

signal.signal(signal.SIGINT, lambda *_: print("saved"))
inputs = keras.Input((4,), dtype="uint8")
model = convert(keras.Model(inputs, keras.layers.Rescaling(2.0)(inputs)))
first, second = OpenVino(model), OpenVino(model)
for engine in (first, second):
    engine(np.ones((3, 4), np.uint8))
del first, engine
gc.collect()
del second
gc.collect()
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_signal_is_handled_after_engines_have_ended() -> None:
    """OpenVINO changes the stack of signal handlers; Ctrl-C has to save the run, whichever engine has ended first."""
    pytest.importorskip("openvino", reason="needs OpenVINO (the extra `openvino`)")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", _TWO_ENDED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["saved"]), done.stderr[-2000:]
