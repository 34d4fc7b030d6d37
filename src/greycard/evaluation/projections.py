"""The names of the projections for a map of feature vectors, and how many images each needs."""

from __future__ import annotations

from greycard.core.errors import GreycardError

PCA, TSNE = "pca", "tsne"

LEAST_IMAGES = {PCA: 1, TSNE: 10}
"""By the name of the projection, as commands take it."""


def expect_enough(projection: str, images: int) -> None:
    """Raise GreycardError if a projection needs more images."""
    if images < LEAST_IMAGES[projection]:
        raise GreycardError(
            f"--projection {projection} needs at least {LEAST_IMAGES[projection]} images. Received: {images}",
            hint=f"use --projection {PCA}",
        )
