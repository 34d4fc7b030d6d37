"""Decode a split as a recipe describes. Importing this does not import Keras."""

from __future__ import annotations

from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Split
from greycard.pipeline.array_split import ArraySplit, load_arrays
from greycard.recipe import Recipe


def decoded_split(
    recipe: Recipe, split: Split, what: str, reporter: Reporter, decoded: ArraySplit | None = None
) -> ArraySplit:
    """A split decoded as a recipe describes; `what` names the split on the progress bar.

    With `decoded`, which has these images among others, they are copied from there.
    """
    count = reporter.progress(f"reading {what} images", len(split))
    data = recipe.data
    return load_arrays(split, data.image_size, data.channels, lambda: count(1), data.resize, decoded)
