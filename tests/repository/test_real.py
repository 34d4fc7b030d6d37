"""The real images and the real ImageNet weights, at sizes that a test can wait for."""

from __future__ import annotations

from pathlib import Path

import pytest

import greycard

pytestmark = pytest.mark.filterwarnings("ignore::greycard.core.errors.GreycardWarning")


@pytest.mark.parametrize(
    ("project", "least"), [("cats-dogs-3k-transfer", 0.85), ("horses-humans-transfer", 0.85)], ids=["cats", "horses"]
)
@pytest.mark.slow
def test_a_transfer_row_learns_from_a_few_real_images(
    project: str, least: float, real_data: Path, real_weights: Path, tmp_path: Path
) -> None:
    run = greycard.train(
        project,
        data_dir=real_data,
        weights=real_weights,
        out=tmp_path,
        epochs=2,
        train_limit=240,
        val_limit=120,
        batch_size=20,
        quiet=True,
    )
    assert run.summary.best_val_accuracy >= least
    assert run.summary.weights[0].file == "inceptionv3_to_mixed7.weights.h5"


def test_a_small_real_network_transfers_to_real_photographs(
    real_data: Path, real_weights: Path, tmp_path: Path
) -> None:
    """The smallest MobileNet, its head trained for three epochs on 300 photographs: well above chance."""
    run = greycard.train(
        greycard.load_dataset("cats-and-dogs-filtered", real_data),
        weights=real_weights / "mobilenet_0.25_224_notop.weights.h5",
        backbone="MobileNet",
        backbone_alpha=0.25,
        image_size=128,
        learning_rate=0.01,
        train_limit=300,
        val_limit=150,
        epochs=3,
        out=tmp_path,
        quiet=True,
    )
    assert run.summary.val_accuracy >= 0.7


def test_real_arrays_train_on_a_share(real_data: Path, tmp_path: Path) -> None:
    run = greycard.train(
        "mnist-cnn", data_dir=real_data, out=tmp_path, epochs=1, train_limit=2_000, val_limit=500, quiet=True
    )
    assert run.summary.val_accuracy >= 0.85
