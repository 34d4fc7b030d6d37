"""Horses or Humans: 1,283 rendered images of 300×300, with different backgrounds in training and validation."""

from __future__ import annotations

from greycard.core.published import Published
from greycard.projects.augmentations import PUBLISHED_AUGMENTATION
from greycard.recipe import Recipe


def horses_humans_cnn() -> Recipe:
    """Five convolutions on rendered images of horses and of people.

    Teaches binary classification from class folders, and how 100 % in training can be 84 % in validation.
    """
    return Recipe.make(
        name="horses-humans-cnn",
        dataset="horse-or-human",
        image_size=(300, 300),
        conv=(16, 32, 64, 64, 64),
        dense=(512,),
        optimizer="rmsprop",
        learning_rate=1e-3,
        batch_size=128,
        val_batch_size=32,
        epochs=50,
    )


def horses_humans_cnn_augmented() -> Recipe:
    """The same network on augmented images, with a tenth of the learning rate and twice as many epochs.

    Teaches when augmentation does not help: the validation images differ in background, not in pose.
    """
    return horses_humans_cnn().replace(
        name="horses-humans-cnn-augmented", learning_rate=1e-4, epochs=100, augmentation=PUBLISHED_AUGMENTATION
    )


def horses_humans_transfer() -> Recipe:
    """A new head on InceptionV3's ImageNet features.

    Teaches transfer learning: features of a million photographs also work for rendered images.
    """
    return Recipe.make(
        name="horses-humans-transfer",
        dataset="horse-or-human",
        image_size=(150, 150),
        backbone="InceptionV3",
        backbone_layer="mixed7",
        dense=(1024,),
        dropout=0.2,
        optimizer="rmsprop",
        learning_rate=1e-4,
        batch_size=5,
        val_batch_size=5,
        epochs=10,
        augmentation=PUBLISHED_AUGMENTATION,
    )


PUBLISHED = {
    "horses-humans-cnn": Published(1_000, 512, 50, 1.0, 0.84, 8, "centred 300×300 CGI images"),
    "horses-humans-cnn-augmented": Published(1_000, 512, 100, 0.954, 0.6328, 8, "augmentation did not help"),
    "horses-humans-transfer": Published(1_000, 512, 10, 0.997, 0.996, 12, "transfer learning brings high accuracy"),
}
