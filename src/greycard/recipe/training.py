"""The training part of a recipe: batches, epochs, precision and seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import COUNT, MOST_SEED, SEED, Config, whole

POWERS = tuple(2**power for power in range(11))


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Config):
    """How the model is trained.

    Attributes:
        batch_size: training images per step.
        parts: into how many parts a batch is divided. Each is computed apart, so that up to as many workers give the
            same numbers as one; 1 computes it as a whole.
        val_batch_size: validation images per batch, or more if that is faster; results do not depend on it.
        epochs: passes over the training images.
        precision: the precision of training: bfloat16, float32, or auto, which is bfloat16 if the hardware supports it.
            Weights and outputs are always float32.
        seed: random seed of the initial weights, the order of images, dropout and augmentation.
    """

    batch_size: int = 32
    parts: int = 1
    val_batch_size: int = 32
    epochs: int = 10
    precision: str = "auto"
    seed: int = 0

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("batch_size", whole(1), COUNT, "32"),
        ("parts", OneOf(POWERS), "a power of two from 1 to 1024", "4"),
        ("val_batch_size", whole(1), COUNT, "32"),
        ("epochs", whole(1), COUNT, "10"),
        ("precision", OneOf(("auto", "float32", "bfloat16")), "auto, float32 or bfloat16", "auto"),
        ("seed", whole(0, MOST_SEED), SEED, "0"),
    )

    def steps(self, images: int) -> int:
        """The number of training steps with so many training images."""
        return self.epochs * -(-images // self.batch_size)

    @property
    def length(self) -> str:
        """`1 epoch` or `25 epochs`."""
        return "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
