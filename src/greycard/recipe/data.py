"""The data part of a recipe: the dataset, the size of its images, and the split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import COUNT, MOST_SEED, SEED, Config, flag, optional, text, whole, whole_numbers
from greycard.tasks.tasks import NAMES

TASKS = tuple(sorted(NAMES))
RESIZES = ("stretch", "crop", "pad")


def _size(value: Any) -> bool:
    return value is None or (whole_numbers(value) and len(value) == 2)


def _fraction(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


@dataclass(frozen=True, kw_only=True)
class DataConfig(Config):
    """The data to train on.

    Attributes:
        dataset: the name of a dataset (`greycard fetch` lists them), or of a folder of images.
        task: the task; none chooses it by the data: regression for numbers, multilabel if an image can have several
            labels, binary for two classes, multiclass for more.
        image_size: height and width in pixels; one number for both; none for data without images.
        channels: 1 for grey, 3 for RGB.
        resize: what to do with images of another shape; stretch changes their shape, crop cuts the longer side at both
            ends, pad adds grey on both sides of the shorter side.
        val_fraction: fraction for validation if the data has no validation set; none means 0.2. A run records the
            fraction that was used, or none if the data has its own validation set.
        split_seed: seed of that split; it is separate from `seed`, so that runs with different seeds can be compared.
        group_duplicates: keep equal and nearly equal images on one side of that split; none means true for your own
            folder or label file. A run records what was done.
        train_limit: maximum number of training images, the same fraction of every class.
        val_limit: maximum number of validation images, the same fraction of every class.
    """

    dataset: str
    task: str | None = None
    image_size: tuple[int, int] | None = (150, 150)
    channels: int = 3
    resize: str = "stretch"
    val_fraction: float | None = None
    split_seed: int = 0
    group_duplicates: bool | None = None
    train_limit: int | None = None
    val_limit: int | None = None

    @property
    def has_images(self) -> bool:
        """Whether the inputs are images, and not numbers."""
        return self.image_size is not None

    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("dataset", text, "a name", "mnist"),
        ("task", OneOf((None, *TASKS)), f"one of {', '.join(TASKS)}", "binary"),
        ("image_size", _size, "one or two whole numbers of pixels", "150,150"),
        ("channels", lambda value: whole(1)(value) and value in (1, 3), "1 (grey) or 3 (RGB)", "3"),
        ("resize", OneOf(RESIZES), f"one of {', '.join(RESIZES)}", "crop"),
        ("val_fraction", optional(_fraction), "a fraction between 0 and 1", "0.2"),
        ("split_seed", whole(0, MOST_SEED), SEED, "0"),
        ("group_duplicates", optional(flag), "true or false", "true"),
        ("train_limit", optional(whole(1)), COUNT, "1000"),
        ("val_limit", optional(whole(1)), COUNT, "1000"),
    )
