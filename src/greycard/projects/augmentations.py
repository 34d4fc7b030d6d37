"""The augmentation of the published projects."""

from greycard.pipeline.augmentation import Augmentation

PUBLISHED_AUGMENTATION = Augmentation(
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=0.2,  # degrees, as in ImageDataGenerator: not visible, kept as published
    zoom_range=0.2,
    horizontal_flip=True,
    fill_mode="nearest",
)
