"""What augmentation does: its ranges, under the names people know from Keras's ImageDataGenerator."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from greycard.errors import GreycardError
from greycard.suggestions import did_you_mean
from greycard.values import plain

FILL_MODES = ("nearest", "reflect", "wrap", "constant")
_EXAMPLES = {
    "rotation_range": "rotation_range=20",
    "width_shift_range": "width_shift_range=0.2",
    "height_shift_range": "height_shift_range=0.2",
    "shear_range": "shear_range=15",
    "zoom_range": "zoom_range=0.8,1.2",
    "brightness_range": "brightness_range=0.8,1.2",
    "horizontal_flip": "horizontal_flip=true",
    "vertical_flip": "vertical_flip=true",
    "fill_mode": "fill_mode=nearest",
}


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges from which each training image's transform is drawn anew in every epoch.

    Attributes:
        rotation_range: degrees; the angle is drawn from ± this.
        width_shift_range: horizontal shift, a fraction of the width below 1, pixels from 1 on; drawn from ± this.
        height_shift_range: vertical shift, likewise of the height.
        shear_range: shear angle in **degrees**, drawn from ± this.
        zoom_range: (low, high) factors on the sampled area, so 0.8 enlarges; x and y are drawn separately.
            A single number z means (1 - z, 1 + z).
        horizontal_flip: mirror left and right with probability one half.
        vertical_flip: mirror top and bottom with probability one half.
        brightness_range: (low, high) factors on the pixel values, or None.
        fill_mode: what lies outside the picture: nearest, reflect, wrap or constant (black).
    """

    rotation_range: float = 0.0
    width_shift_range: float = 0.0
    height_shift_range: float = 0.0
    shear_range: float = 0.0
    zoom_range: float | tuple[float, float] = (1.0, 1.0)
    horizontal_flip: bool = False
    vertical_flip: bool = False
    brightness_range: tuple[float, float] | None = None
    fill_mode: str = "nearest"

    def __post_init__(self) -> None:
        for name in augmentation_fields():
            object.__setattr__(self, name, plain(getattr(self, name)))
        if _is_number(self.zoom_range):
            object.__setattr__(self, "zoom_range", (1 - self.zoom_range, 1 + self.zoom_range))  # type: ignore[operator]
        for name in ("rotation_range", "width_shift_range", "height_shift_range", "shear_range"):
            value = getattr(self, name)
            _expect(name, _is_number(value) and value >= 0, "a number that is not negative", value)
        _expect("shear_range", self.shear_range < 90, "degrees below 90", self.shear_range)
        _expect("zoom_range", _is_range(self.zoom_range), "two factors, 0 < low <= high", self.zoom_range)
        if self.brightness_range is not None:
            brightness = self.brightness_range
            _expect("brightness_range", _is_range(brightness), "none or two factors, 0 < low <= high", brightness)
        for name in ("horizontal_flip", "vertical_flip"):
            _expect(name, isinstance(getattr(self, name), bool), "true or false", getattr(self, name))
        _expect("fill_mode", self.fill_mode in FILL_MODES, f"one of {', '.join(FILL_MODES)}", self.fill_mode)

    @property
    def zoom(self) -> tuple[float, float]:
        """`zoom_range` as (low, high)."""
        assert isinstance(self.zoom_range, tuple)
        return self.zoom_range

    def notes(self) -> list[str]:
        """What a user should know about these ranges before trusting them."""
        if 0 < self.shear_range < 1:
            return [
                f"shear_range={self.shear_range:g} means {self.shear_range:g} degrees, which nobody can see;"
                " for a visible shear ask for 10 to 20"
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


def _expect(name: str, good: bool, expected: str, received: object) -> None:
    if not good:
        options = FILL_MODES if name == "fill_mode" else ()
        hint = did_you_mean(received, options, f"for example {_EXAMPLES[name]}")
        raise GreycardError(f"{name} must be {expected}. Received: {received!r}", hint=hint)
