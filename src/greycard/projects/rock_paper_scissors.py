"""Rock, Paper, Scissors: 2,892 rendered hands in three poses."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.recipe import Recipe


def rock_paper_scissors_cnn() -> Recipe:
    """Four convolutions and dropout classify three hand poses.

    Teaches more than two classes from folders, and dropout between features and head.
    """
    return Recipe.make(
        name="rock-paper-scissors-cnn",
        dataset="rock-paper-scissors",
        image_size=(150, 150),
        conv=(64, 64, 128, 128),
        feature_dropout=0.5,
        dense=(512,),
        optimizer="rmsprop",
        learning_rate=1e-3,
        batch_size=126,
        epochs=25,
    )


PUBLISHED = {"rock-paper-scissors-cnn": Published(2_520, 372, 25, None, None, None)}
