"""Happy or sad: 80 drawn faces."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.recipe import Recipe


def happy_sad_cnn() -> Recipe:
    """Three convolutions on 80 faces; training stops when training accuracy reaches 99.9 %.

    Teaches to stop training at a target accuracy. The dataset has no validation split: a fifth of each class is
    split off.
    """
    return Recipe.make(
        name="happy-sad-cnn",
        dataset="happy-or-sad",
        image_size=(150, 150),
        conv=(16, 32, 32),
        dense=(512,),
        optimizer="rmsprop",
        learning_rate=1e-3,
        batch_size=10,
        epochs=15,
        target_accuracy=0.999,
        target_split="training",
    )


PUBLISHED = {"happy-sad-cnn": Published(80, None, 15, 0.999, None, None)}
