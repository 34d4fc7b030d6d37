"""Cats vs Dogs, filtered: 3,000 photographs of every size."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.projects.augmentations import PUBLISHED_AUGMENTATION
from greycard.projects.horses_humans import horses_humans_transfer
from greycard.recipe import Recipe


def cats_dogs_3k_cnn() -> Recipe:
    """Four convolutions on 2,000 photographs.

    Teaches overfitting on small data: all training images are right, and one in four validation images is wrong.
    """
    return Recipe.make(
        name="cats-dogs-3k-cnn",
        dataset="cats-and-dogs-filtered",
        image_size=(150, 150),
        conv=(32, 64, 128, 128),
        dense=(512,),
        optimizer="rmsprop",
        learning_rate=1e-4,
        batch_size=20,
        val_batch_size=20,
        epochs=100,
    )


def cats_dogs_3k_cnn_augmented() -> Recipe:
    """The same network with augmentation: every image is transformed differently in every epoch.

    Teaches augmentation as a remedy for overfitting on small data.
    """
    return cats_dogs_3k_cnn().replace(name="cats-dogs-3k-cnn-augmented", augmentation=PUBLISHED_AUGMENTATION)


def cats_dogs_3k_transfer() -> Recipe:
    """A new head on InceptionV3's ImageNet features, trained on the same 2,000 photographs.

    Teaches transfer learning: features from a million photographs help on a small dataset.
    """
    return horses_humans_transfer().replace(
        name="cats-dogs-3k-transfer",
        dataset="cats-and-dogs-filtered",
        batch_size=20,
        val_batch_size=20,
        epochs=20,
    )


PUBLISHED = {
    "cats-dogs-3k-cnn": Published(2_000, 1_000, 100, 1.0, 0.75, 9, "images of every size"),
    "cats-dogs-3k-cnn-augmented": Published(2_000, 1_000, 100, 0.842, 0.796, 16, "augmentation helped"),
    "cats-dogs-3k-transfer": Published(2_000, 1_000, 20, 0.954, 0.952, 20, "transfer learning brings high accuracy"),
}
