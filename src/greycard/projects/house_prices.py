"""House prices: a first example, a line through five points."""

from __future__ import annotations

from greycard.recipe import Recipe


def house_prices() -> Recipe:
    """One neuron learns the price of a house: about 50 thousand, plus 50 thousand per bedroom.

    Teaches what training is: a prediction, an error and a small step, repeated 250 times.
    """
    return Recipe.make(
        name="house-prices",
        dataset="house-prices",
        image_size=None,
        channels=1,
        optimizer="sgd",
        learning_rate=0.02,
        epochs=250,
    )
