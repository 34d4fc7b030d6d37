"""House prices: hello world, a line through five points."""

from __future__ import annotations

from greycard.recipe import Recipe


def house_prices() -> Recipe:
    """One neuron learns what a house costs: about 50 thousand, and 50 thousand more a bedroom.

    Teaches what training is: a guess, an error, a small step, two hundred and fifty times over.
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
