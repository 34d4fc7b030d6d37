"""A project's published figures, as their author reported them on Colab GPUs in 2021 (docs/projects.md)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Published:
    """One row of the published table; accuracies are fractions of the last epoch, None where not reported."""

    train_images: int | None = None
    val_images: int | None = None
    epochs: int | None = None
    train_accuracy: float | None = None
    val_accuracy: float | None = None
    seconds_per_epoch: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
