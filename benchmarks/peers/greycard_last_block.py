"""Epochs of a last block as `greycard train FOLDER --fine-tune last` trains them: images a second.

    python benchmarks/peers/greycard_last_block.py FOLDER

FOLDER has train/ and validation/ with a folder for each class. A whole run with its defaults; the fit of the probe and
the first epoch, which also compiles, are left out, and validation is not counted. Prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import greycard
from greycard.training.fine_tuning import inner_validation

COMPILED = 2
"""Epochs that are left out: the fit of the probe, and the first with gradient steps."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch:
        run = greycard.train(folder, backbone="MobileNetV2", fine_tune="last", out=f"{scratch}/runs", quiet=True)
        recipe, history = run.recipe, run.history
    labels = greycard.load_folder(folder).train.labels
    trained = len(labels) - inner_validation(labels, None, recipe.training.seed).sum()
    speeds = [float(trained / epoch.train_seconds) for epoch in history[COMPILED:]]
    losses = [epoch.train_loss for epoch in history[1:]]
    print(json.dumps({"images_per_second": speeds, "loss": losses, "precision": recipe.training.precision}))


if __name__ == "__main__":
    main()
