"""The ranges of augmentation; those that Keras's ImageDataGenerator has, too, have its names."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.fields import Check, OneOf, expect_good_values
from greycard.core.values import plain

FILL_MODES = ("nearest", "reflect", "wrap", "constant")


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of random transforms; in every epoch each training image gets a new one.

    Attributes:
        rotation_range: degrees; the angle is drawn from ± this.
        width_shift_range: horizontal shift, drawn from ± this: below 1 a fraction of the width, from 1 on pixels.
        height_shift_range: vertical shift, drawn from ± this: below 1 a fraction of the height, from 1 on pixels.
        shear_range: shear angle in degrees, drawn from ± this.
        zoom_range: low and high factor on the sampled area, so 0.8 enlarges; x and y are drawn separately.
            A single number z means 1 - z, 1 + z.
        horizontal_flip: mirror left and right with probability one half.
        vertical_flip: mirror top and bottom with probability one half.
        brightness_range: low and high factor on the pixel values.
        contrast_range: low and high factor on the contrast; pixels move from or towards the image's mean grey.
        saturation_range: low and high factor on the saturation; pixels move from or towards their own grey.
        hue_range: degrees on the colour circle; the turn is drawn from ± this.
        crop_padding: pixels of padding on each side; then the image's size is cut out at a random place.
        crop_scale: low and high share of the area that is cut out; the part is enlarged, its sides differ by up to 4:3.
        cutout: side of a square of the image's mean colour, as a share of the shorter side; its place is random.
        trivial: one random operation of random strength on each image (TrivialAugment), in geometry or colour.
        fill_mode: how to fill pixels outside the image: nearest, reflect, wrap or constant (black).
    """

    rotation_range: float = 0.0
    width_shift_range: float = 0.0
    height_shift_range: float = 0.0
    shear_range: float = 0.0
    zoom_range: float | tuple[float, float] = (1.0, 1.0)
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness_range: tuple[float, float] | None = None
    contrast_range: tuple[float, float] | None = None
    saturation_range: tuple[float, float] | None = None
    hue_range: float = 0.0
    crop_padding: int = 0
    crop_scale: tuple[float, float] | None = None
    cutout: float = 0.0
    trivial: bool = False
    fill_mode: str = "nearest"

    def __post_init__(self) -> None:
        for name in augmentation_fields():
            object.__setattr__(self, name, plain(getattr(self, name)))
        if _is_number(self.zoom_range):
            object.__setattr__(self, "zoom_range", (1 - self.zoom_range, 1 + self.zoom_range))  # type: ignore[operator]
        expect_good_values(self, CHECKS)

    @property
    def zoom(self) -> tuple[float, float]:
        """`zoom_range` as (low, high)."""
        assert isinstance(self.zoom_range, tuple)
        return self.zoom_range

    def expect_fits(self, image_size: tuple[int, int] | None) -> None:
        """Raise a GreycardError if the padding is not smaller than the images, (height, width) in pixels."""
        if image_size and self.crop_padding >= min(image_size):
            raise GreycardError(
                f"crop_padding must be below the {min(image_size)} pixels of the images. Received: {self.crop_padding}",
                hint=f"for example crop_padding={min(image_size) // 8}",
            )

    def notes(self) -> list[str]:
        """Notes for the user about ranges that probably do not do what was intended."""
        if 0 < self.shear_range < 1:
            return [
                f"shear_range={self.shear_range:g} means {self.shear_range:g} degrees, which is not visible;"
                " for a visible shear, use 10 to 20"
            ]
        return []


def augmentation_fields() -> tuple[str, ...]:
    """The names that `--set` accepts for augmentation."""
    return tuple(field.name for field in fields(Augmentation))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_range(pair: object) -> bool:
    numbers = isinstance(pair, tuple) and len(pair) == 2 and all(map(_is_number, pair))
    return numbers and 0 < pair[0] <= pair[1]  # type: ignore[index]


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value >= 0


_POSITIVE, _FACTORS, _YES_NO = "a number from 0 on", "two factors, 0 < low <= high", "true or false"
_SHARES = "two shares of the area, 0 < low <= high <= 1"
CHECKS: tuple[Check, ...] = (
    ("rotation_range", _is_positive, _POSITIVE, "20"),
    ("width_shift_range", _is_positive, _POSITIVE, "0.2"),
    ("height_shift_range", _is_positive, _POSITIVE, "0.2"),
    ("shear_range", lambda v: _is_positive(v) and v < 90, "degrees from 0 to below 90", "15"),
    ("zoom_range", _is_range, f"one number, or {_FACTORS}", "0.8,1.2"),
    ("horizontal_flip", lambda v: isinstance(v, bool), _YES_NO, "true"),
    ("vertical_flip", lambda v: isinstance(v, bool), _YES_NO, "true"),
    ("brightness_range", lambda v: v is None or _is_range(v), _FACTORS + ", or none", "0.8,1.2"),
    ("contrast_range", lambda v: v is None or _is_range(v), _FACTORS + ", or none", "0.8,1.2"),
    ("saturation_range", lambda v: v is None or _is_range(v), _FACTORS + ", or none", "0.8,1.2"),
    ("hue_range", lambda v: _is_positive(v) and v <= 180, "degrees from 0 to 180", "10"),
    ("crop_padding", lambda v: _is_positive(v) and isinstance(v, int), "a whole number of pixels from 0 on", "4"),
    ("crop_scale", lambda v: v is None or (_is_range(v) and v[1] <= 1), _SHARES + ", or none", "0.5,1"),
    ("cutout", lambda v: _is_positive(v) and v < 1, "a fraction from 0 to below 1", "0.25"),
    ("trivial", lambda v: isinstance(v, bool), _YES_NO, "true"),
    ("fill_mode", OneOf(FILL_MODES), f"one of {', '.join(FILL_MODES)}", "nearest"),
)
