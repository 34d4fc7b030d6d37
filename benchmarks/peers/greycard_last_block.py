"""Epochs of a last block as `greycard train FOLDER --fine-tune last` trains them: images a second.

    python benchmarks/peers/greycard_last_block.py FOLDER

FOLDER has train/ and validation/ with a folder for each class. A whole run with its defaults; the fit of the probe and
the first epoch, which also compiles, are left out, and validation is not counted. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import ClassVar

import greycard
from greycard.training import loop
from greycard.training.checkpoint import TrainState
from greycard.training.fine_tuning import inner_validation

COMPILED = 2
"""Epochs that are left out: the fit of the probe, and the first with gradient steps."""


class TimedLoop(loop.Loop):
    """Training that notes the seconds of each epoch without validation, and the processor's, of all threads."""

    seconds: ClassVar[list[tuple[float, float]]] = []

    def _train(self, state: TrainState) -> dict[str, float]:
        begun, cpu = time.perf_counter(), time.process_time()
        figures = super()._train(state)
        self.seconds.append((time.perf_counter() - begun, time.process_time() - cpu))
        return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    loop.Loop = TimedLoop  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as scratch:
        run = greycard.train(folder, backbone="MobileNetV2", fine_tune="last", out=f"{scratch}/runs", quiet=True)
        recipe, history = run.recipe, run.history
    labels = greycard.load_folder(folder).train.labels
    trained = len(labels) - int(inner_validation(labels, None, recipe.training.seed).sum())
    wall, cpu = zip(*TimedLoop.seconds[COMPILED:], strict=True)
    rates = {"images_per_second": wall, "images_per_core_second": cpu}
    found = {name: [trained / seconds for seconds in each] for name, each in rates.items()}
    losses = [epoch.train_loss for epoch in history[1:]]
    print(json.dumps(found | {"loss": losses, "precision": recipe.training.precision}))


if __name__ == "__main__":
    main()
