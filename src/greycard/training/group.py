"""What the workers of one training agree on: the same work, state, figures and weights, and when to save or to stop."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable

import keras
import numpy as np

from greycard.backend.exchange import Exchange, from_first
from greycard.backend.inference import Engine
from greycard.core.epoch import Epoch
from greycard.core.errors import GreycardError
from greycard.core.records import from_json, to_json
from greycard.pipeline.loader import Loader
from greycard.training.checkpoint import TrainState
from greycard.training.setup import TrainSetup


def expect_same_work(setup: TrainSetup) -> None:
    """Raise a GreycardError if a worker would train another recipe, or on other images, than the first."""
    mine = f"{setup.recipe.digest} {setup.data_digest}".encode()
    for rank, found in enumerate(every := setup.exchange.gather(mine)):
        if found != every[0]:
            what = "another recipe" if found.split()[0] != every[0].split()[0] else "other images or labels"
            raise GreycardError(
                f"worker {rank} would train {what} than worker 0",
                hint="all machines need the same files: put the images in a folder that all of them share",
            )


def agreed_seconds(exchange: Exchange, seconds: float) -> float:
    """Worker 0's time, so that all workers reach a time limit together."""
    return float(from_first(exchange, repr(seconds).encode()))


def agreed_step(exchange: Exchange, signal: int, is_due: bool) -> tuple[int, bool]:
    """The first worker's signal that ends training, 0 for none; and whether worker 0 wants to save now."""
    found = [content.decode().split() for content in exchange.gather(f"{signal} {int(is_due)}".encode())]
    signals = [int(number) for number, _ in found]
    return next((number for number in signals if number), 0), found[0][1] == "1"


def agreed_epoch(exchange: Exchange, epoch: Epoch, network: keras.Model) -> Epoch:
    """Worker 0's figures of an epoch.

    Raises:
        GreycardError: a worker has other weights than worker 0, as on a processor that rounds in another way.
    """
    if exchange.workers == 1:
        return epoch
    digest = hashlib.sha256()
    for weight in network.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).tobytes())
    every = [
        json.loads(content) for content in exchange.gather(json.dumps([digest.hexdigest(), to_json(epoch)]).encode())
    ]
    for rank, (found, _) in enumerate(every):
        if found != every[0][0]:
            raise GreycardError(
                f"after epoch {epoch.epoch}, worker {rank} has other weights than worker 0: their processors round in"
                " different ways",
                hint="use machines with equal processors",
            )
    return from_json(Epoch, every[0][1])


def shared_state(
    exchange: Exchange, state: TrainState | None, arrays: Iterable[np.ndarray]
) -> tuple[TrainState | None, list[np.ndarray]]:
    """Worker 0's state of the training, None for a new one, and its arrays."""
    mine = b""
    if exchange.rank == 0:
        mine = json.dumps(None if state is None else to_json(state)).encode() + b"\n" + _written(arrays)
    line, _, rest = from_first(exchange, mine).partition(b"\n")
    found = json.loads(line)
    return None if found is None else from_json(TrainState, found), _read(rest)


def predict(engine: Engine, loader: Loader, exchange: Exchange) -> np.ndarray:
    """The model's outputs, float32 (n, units), in the split's order; each worker computes every n-th batch."""
    mine = [
        engine(images)
        for number, (images, _) in enumerate(loader.epoch(0))
        if number % exchange.workers == exchange.rank
    ]
    if exchange.workers == 1:
        return np.concatenate(mine)
    return _in_turn([_read(content) for content in exchange.gather(_written(mine))])


def _in_turn(shares: list[list[np.ndarray]]) -> np.ndarray:
    """One batch of each worker, then the next one of each."""
    longest = max(map(len, shares))
    return np.concatenate([share[place] for place in range(longest) for share in shares if place < len(share)])


def _written(arrays: Iterable[np.ndarray]) -> bytes:
    content = io.BytesIO()
    for array in arrays:
        np.lib.format.write_array(content, array, allow_pickle=False)
    return content.getvalue()


def _read(content: bytes) -> list[np.ndarray]:
    file, arrays = io.BytesIO(content), []
    while file.tell() < len(content):
        arrays.append(np.lib.format.read_array(file, allow_pickle=False))
    return arrays
