"""scikit-learn's digits: 1,797 real handwritten digits of 8×8 pixels, which come along."""

from __future__ import annotations

from greycard.recipe import Recipe


def digits_cnn() -> Recipe:
    """One convolution reads 8×8 digits, offline, in seconds.

    Teaches the whole way from pixels to a table line on data that is always there.
    """
    return Recipe.make(
        name="digits-cnn",
        dataset="digits",
        image_size=(8, 8),
        channels=1,
        conv=(128,),
        dense=(256,),
        dropout=0.2,
        optimizer="adam",
        batch_size=32,
        epochs=25,
    )
