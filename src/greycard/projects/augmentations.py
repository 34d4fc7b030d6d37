"""The one augmentation that the published rows use."""

from greycard.pipeline.augmentation import Augmentation

PUBLISHED_AUGMENTATION = Augmentation(
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=0.2,  # degrees, as in the generator these names come from: nothing visible, kept as published
    zoom_range=0.2,
    horizontal_flip=True,
    fill_mode="nearest",
)
