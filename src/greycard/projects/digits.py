"""scikit-learn's digits: 1,797 real handwritten digits of 8×8 pixels, included in Greycard."""

from __future__ import annotations

from greycard.recipe import Recipe


def digits_cnn() -> Recipe:
    """One convolution classifies 8×8 digits, offline, in seconds.

    Teaches all steps from pixels to a table row, on data that needs no download.
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
