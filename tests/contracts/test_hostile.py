"""Runs that someone else made: nothing in them is executed or unpickled, and nothing of them reaches beyond them."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from pathlib import Path

import keras
import numpy as np
import pytest

import greycard
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.records import to_json
from greycard.training.checkpoint import TrainState, newest_checkpoint


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.place,)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> greycard.Run:
    out = tmp_path_factory.mktemp("runs")
    return greycard.train("digits-cnn", out=out, epochs=1, train_limit=60, val_limit=40, quiet=True)


def test_a_model_with_code_in_it_is_not_loaded(run: greycard.Run, tmp_path: Path) -> None:
    place = tmp_path / "executed"
    inputs = keras.Input((8, 8, 1), dtype="uint8")
    outputs = keras.layers.Lambda(lambda x, place=str(place): (Path(place).touch(), x)[1])(inputs)
    keras.Model(inputs, outputs).save(run.path / "model.keras")
    place.unlink(missing_ok=True)
    with pytest.raises(GreycardError, match="cannot be loaded"):
        greycard.open_run(run.path).predict(np.zeros((8, 8), np.uint8))
    assert not place.exists()


@pytest.mark.parametrize("name", ["predictions.npz", "mistakes.npz"])
def test_pickled_arrays_are_refused(name: str, run: greycard.Run, tmp_path: Path) -> None:
    place = tmp_path / "executed"
    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb(place)
    np.savez(run.path / name, ids=bomb, labels=bomb, probabilities=bomb, images=bomb)
    with pytest.raises(GreycardError, match="cannot be read"):
        getattr(greycard.open_run(run.path), name.removesuffix(".npz"))
    (run.path / name).write_bytes(pickle.dumps(Bomb(place)))
    with pytest.raises(GreycardError, match="cannot be read"):
        getattr(greycard.open_run(run.path), name.removesuffix(".npz"))
    assert not place.exists()


def test_a_pickled_checkpoint_is_refused(tmp_path: Path) -> None:
    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb(tmp_path / "executed")
    stream = io.BytesIO()
    stream.write(f"greycard checkpoint 2\n{json.dumps(to_json(TrainState('x')))}\n".encode())
    np.lib.format.write_array(stream, bomb, allow_pickle=True)
    content = stream.getvalue()
    (tmp_path / "000001-00000000.checkpoint").write_bytes(content + hashlib.sha256(content).digest())
    with pytest.warns(GreycardWarning, match="is damaged"):
        assert newest_checkpoint(tmp_path) is None
    assert not (tmp_path / "executed").exists()
