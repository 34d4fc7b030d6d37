"""Save and load the model of a run: `model.keras`, and its parts in `model.json`."""

from __future__ import annotations

import json
from pathlib import Path

import keras

from greycard.core.atomic_files import atomic_path, atomic_write
from greycard.core.errors import GreycardError
from greycard.core.run_format import SCHEMA
from greycard.models.finite import expect_finite_weights
from greycard.models.model import Model

MODEL, PARTS = "model.keras", "model.json"

_RETRAIN = "train it again; the new run gets its own folder"


def save_model(model: Model, folder: Path) -> None:
    """Write the parts, then the network without its optimizer; each file is written completely or not at all."""
    atomic_write(folder / PARTS, json.dumps({"schema": SCHEMA, **model.to_json()}, indent=2) + "\n")
    network = model.network
    bare = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    with atomic_path(folder / MODEL) as draft:
        bare.save(draft)


def load_model(folder: Path) -> Model:
    """Load the model from a run's folder; no code in its files is executed (Keras's safe mode).

    Raises:
        GreycardError: a file is missing, damaged or has another schema, or a weight is NaN or infinite.
    """
    if not (folder / MODEL).is_file():
        raise GreycardError(f"{folder} has no {MODEL}", hint=_RETRAIN)
    names = _read_parts(folder / PARTS)
    try:
        network = keras.saving.load_model(folder / MODEL, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises many types of errors for a damaged file
        raise GreycardError(f"{folder / MODEL} cannot be loaded: {error}", hint=_RETRAIN) from error
    expect_finite_weights(network, str(folder))
    try:
        return Model.from_json(network, names)
    except GreycardError as error:
        raise GreycardError(f"{folder / PARTS} does not fit {MODEL}: {error.args[0]}", hint=_RETRAIN) from error


def _read_parts(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise GreycardError(f"{path.parent} has no {PARTS}: another version of Greycard wrote it", hint=_RETRAIN)
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GreycardError(f"{path} cannot be read: {error}", hint=_RETRAIN) from error
    found = names.get("schema") if isinstance(names, dict) else None
    if found != SCHEMA:
        raise GreycardError(f"{path} has schema {found!r}; expected {SCHEMA}", hint=_RETRAIN)
    return names
