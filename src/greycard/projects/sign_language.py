"""Sign Language MNIST: hands that show 24 letters (J and Z are movements), 28×28 grey."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.recipe import Recipe


def sign_language_cnn() -> Recipe:
    """Two convolutions classify the letters of sign language.

    Teaches classification with many classes: softmax over 26 letters. The user must download two CSV files.
    """
    return Recipe.make(
        name="sign-language-cnn",
        dataset="sign-language-mnist",
        image_size=(28, 28),
        channels=1,
        conv=(32, 64),
        dense=(512,),
        optimizer="adam",
        batch_size=64,
        epochs=20,
    )


PUBLISHED = {"sign-language-cnn": Published(27_455, 7_172, 20, None, 0.93, None)}
