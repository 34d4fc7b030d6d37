"""Draws the sample images' animal heads and the clutter around them.

Shapes are float64 arrays of points (n, 2) in head units: x to the right, y down, every head is about
2.4 units tall around the origin. A `Brush` draws them on a canvas of pixels. Colours and
clutter are drawn from the same distributions for every animal, so that only the shape differs.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

Colour = tuple[float, float, float]
"""Red, green and blue, each 0 to 255."""

WHITE: Colour = (252, 249, 244)
INK: Colour = (40, 31, 34)
PINK: Colour = (240, 160, 168)
FURS: tuple[Colour, ...] = (
    (228, 150, 76),  # ginger
    (146, 98, 64),  # brown
    (238, 220, 186),  # cream
    (152, 152, 160),  # grey
    (84, 77, 82),  # charcoal
    (243, 239, 232),  # white
    (198, 166, 128),  # sand
    (112, 120, 136),  # slate
)
IRISES: tuple[Colour, ...] = ((128, 184, 96), (232, 184, 72), (112, 170, 214), (150, 98, 56))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Linear interpolation from `first` to `second`; `share` is 0 to 1."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def any_colour(rng: np.random.Generator, hue: float | None = None) -> Colour:
    """A soft colour of any hue, or near the given hue (0 to 1)."""
    hue = rng.random() if hue is None else rng.normal(hue, 0.12) % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, rng.uniform(0.12, 0.55), rng.uniform(0.55, 0.98))
    return red * 255, green * 255, blue * 255


def fur_colour(rng: np.random.Generator) -> Colour:
    """One of the fur colours, or a slightly darker one."""
    return mix(FURS[rng.integers(len(FURS))], INK, rng.uniform(0.0, 0.2))


def turned(points: np.ndarray, degrees: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    """Points (n, 2) turned clockwise around the origin, then moved by (x, y)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


def ellipse(x: float, y: float, width: float, height: float, tilt: float = 0.0) -> np.ndarray:
    """Points (48, 2) around an ellipse with these half axes, tilted clockwise by degrees."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return turned(np.stack([width * np.cos(angles), height * np.sin(angles)], axis=1), tilt, x, y)


def rounded(*corners: tuple[float, float]) -> np.ndarray:
    """Points (8 n, 2): a closed polygon with its corners cut three times; repeated points stay sharp."""
    points = np.array(corners, dtype=float)
    for _ in range(3):
        following = np.roll(points, -1, axis=0)
        cut = [0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following]
        points = np.stack(cut, axis=1).reshape(-1, 2)
    return points


def shrunk(points: np.ndarray, share: float) -> np.ndarray:
    """Points (n, 2) scaled around their centre by a factor; 0 gives a single point."""
    centre = points.mean(axis=0)
    return centre + (points - centre) * share


@dataclass(frozen=True)
class Brush:
    """Paints shapes onto `canvas`: uint8, (height, width, 4), colour premultiplied by alpha.

    On a canvas of zeros, OpenCV's antialiased edges are already premultiplied.
    """

    canvas: np.ndarray
    x: float  # pixels, position of the shapes' origin
    y: float  # pixels
    unit: float  # pixels per head unit
    tilt: float = 0.0  # degrees, clockwise

    def fill(self, points: np.ndarray, colour: Colour) -> None:
        """Fill a closed shape of points (n, 2)."""
        cv2.fillPoly(self.canvas, [self._fixed(points)], (*colour, 255), cv2.LINE_AA, shift=4)

    def line(self, points: np.ndarray, colour: Colour, width: float) -> None:
        """Draw an open line through points (n, 2), `width` in head units."""
        pixels = max(1, round(width * self.unit))
        shape = [self._fixed(points)]
        cv2.polylines(self.canvas, shape, False, (*colour, 255), pixels, cv2.LINE_AA, shift=4)

    def pair(self, points: np.ndarray, colour: Colour) -> None:
        """Fill a shape and its mirror image across the face."""
        self.fill(points, colour)
        self.fill(points * (-1, 1), colour)

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        """Canvas positions (n, 2) for OpenCV: int32 in sixteenths of a pixel."""
        placed = turned(points * self.unit, self.tilt, self.x, self.y)
        return np.round(placed * 16).astype(np.int32)


@dataclass(frozen=True)
class Coat:
    """The colours of one animal, from the same distribution for every kind."""

    fur: Colour
    ears: Colour
    lining: Colour  # the inside of the ears
    pale: Colour
    iris: Colour
    nose: Colour
    blaze: bool  # a pale stripe up the forehead
    patch: bool  # a patch of the ears' colour around one eye


def any_coat(rng: np.random.Generator) -> Coat:
    """A random coat."""
    fur = fur_colour(rng)
    ears = mix(fur, INK, 0.15) if rng.random() < 0.6 else fur_colour(rng)
    return Coat(
        fur=fur,
        ears=ears,
        lining=mix(ears, PINK, rng.uniform(0.2, 0.9)),
        pale=mix(fur, WHITE, rng.uniform(0.5, 0.9)),
        iris=IRISES[rng.integers(len(IRISES))],
        nose=PINK if rng.random() < 0.5 else INK,
        blaze=rng.random() < 0.35,
        patch=rng.random() < 0.35,
    )


def draw_face(brush: Brush, coat: Coat, outline: np.ndarray, eye: tuple[float, float]) -> None:
    """Draw the parts that all kinds share: the face's outline (n, 2), its markings and the eyes."""
    x, y = eye
    brush.fill(outline, coat.fur)
    if coat.patch:
        brush.fill(ellipse(x, y, 0.3, 0.34, 20), coat.ears)
    if coat.blaze:
        top = outline[:, 1].min() + 0.06
        brush.fill(rounded((-0.12, top), (0.12, top), (0.26, y + 0.5), (-0.26, y + 0.5)), coat.pale)
    brush.pair(ellipse(x, y, 0.18, 0.19), INK)
    brush.pair(ellipse(x, y, 0.145, 0.155), coat.iris)
    brush.pair(ellipse(x, y, 0.1, 0.125), INK)
    for side in (-1, 1):
        brush.fill(ellipse(side * x - 0.05, y - 0.07, 0.05, 0.05), WHITE)


def draw_smile(brush: Brush, y: float, width: float) -> None:
    """A mouth of two arcs below (0, y)."""
    angles = np.linspace(0, np.pi, 12)
    arc = np.stack([width * (1 + np.cos(angles)), y + width * np.sin(angles)], axis=1)
    for side in (-1, 1):
        brush.line(arc * (side, 1), INK, 0.045)


def draw_cat(brush: Brush, coat: Coat, rng: np.random.Generator) -> None:
    """Pointed ears, a wide face and whiskers."""
    tip = (rng.uniform(0.7, 0.95), rng.uniform(-1.25, -1.0))
    ear = rounded((0.1, -0.4), tip, tip, tip, (1.0, 0.3), (0.5, 0.4))
    brush.pair(ear, coat.ears)
    brush.pair(turned(shrunk(ear, 0.62), 0, 0.02, -0.06), coat.lining)
    draw_face(brush, coat, ellipse(0, 0.22, 0.98, 0.8), (0.42, 0.12))
    brush.pair(ellipse(0.19, 0.62, 0.27, 0.2), coat.pale)
    brush.fill(rounded((-0.15, 0.4), (0.15, 0.4), (0, 0.62)), coat.nose)
    draw_smile(brush, 0.6, 0.11)
    whisker = mix(coat.fur, INK, 0.75) if sum(coat.fur) > 380 else WHITE
    for side in (-1, 1):
        for rise in (-0.16, 0.02, 0.2):
            ends = np.array([[0.36, 0.6 + rise * 0.4], [1.2, 0.55 + rise * 1.4]])
            brush.line(ends * (side, 1), whisker, 0.028)


def draw_dog(brush: Brush, coat: Coat, rng: np.random.Generator) -> None:
    """Hanging ears, a long face, a broad muzzle and sometimes a tongue."""
    brush = replace(brush, unit=brush.unit * 0.88)  # otherwise dogs would be larger than the others
    face = rounded((-0.8, -1.0), (0.8, -1.0), (0.85, 0.3), (0.6, 1.15), (-0.6, 1.15), (-0.85, 0.3))
    draw_face(brush, coat, face, (0.32, -0.2))
    length, spread = rng.uniform(0.4, 0.85), rng.uniform(1.05, 1.3)
    top, bottom = ((0.3, -1.05), (0.85, -0.95)), ((spread, length), (0.75, length))
    ear = rounded(*top, (spread, 0.0), *bottom, (0.62, -0.2))
    brush.pair(ear, coat.ears)
    brush.pair(shrunk(ear, 0.55), coat.lining)
    if rng.random() < 0.5:
        brush.fill(ellipse(0, 0.9, 0.15, 0.26), (226, 106, 118))
    brush.pair(ellipse(0.2, 0.52, 0.31, 0.28), coat.pale)
    brush.fill(ellipse(0, 0.42, 0.2, 0.34), coat.pale)
    brush.fill(ellipse(0, 0.32, 0.2, 0.14), coat.nose)
    draw_smile(brush, 0.56, 0.13)


def draw_rabbit(brush: Brush, coat: Coat, rng: np.random.Generator) -> None:
    """Long upright ears, round cheeks and two front teeth."""
    ear = ellipse(0, -0.62, 0.23, rng.uniform(0.68, 0.76))
    for side in (-1, 1):
        lean = rng.uniform(2, 26)
        brush.fill(turned(ear, lean * side, 0.3 * side, 0.0), coat.ears)
        brush.fill(turned(shrunk(ear, 0.66), lean * side, 0.3 * side, 0.0), coat.lining)
    face = rounded((-0.65, -0.3), (0.65, -0.3), (1.0, 0.65), (0.6, 1.2), (-0.6, 1.2), (-1.0, 0.65))
    draw_face(brush, coat, face, (0.38, 0.26))
    brush.pair(rounded((0, 0.7), (0, 0.7), (0.13, 0.7), (0.13, 0.7), (0.1, 1), (0, 1)), WHITE)
    brush.pair(ellipse(0.17, 0.66, 0.24, 0.17), coat.pale)
    brush.fill(rounded((-0.15, 0.46), (0.15, 0.46), (0, 0.66)), coat.nose)
    draw_smile(brush, 0.62, 0.1)


Draw = Callable[[Brush, Coat, np.random.Generator], None]
DRAWINGS: dict[str, Draw] = {"cat": draw_cat, "dog": draw_dog, "rabbit": draw_rabbit}


def draw_clutter(canvas: np.ndarray, rng: np.random.Generator, count: int) -> None:
    """`count` leaves, balls, blocks and twigs anywhere on the canvas (see Brush)."""
    side = canvas.shape[0]
    for _ in range(count):
        x, y = rng.uniform(0, side, 2)
        brush = Brush(canvas, x, y, side * rng.uniform(0.04, 0.13), rng.uniform(0, 360))
        colour = fur_colour(rng) if rng.random() < 0.5 else any_colour(rng)
        shapes = (
            ellipse(0, 0, 0.4, 1.3),
            ellipse(0, 0, 0.9, 0.9),
            rounded((-0.8, 0.6), (0, -1), (0, -1), (0, -1), (0.8, 0.6)),
            rounded((-0.8, -0.8), (-0.8, -0.8), (0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (0.8, 0.8)),
            rounded((-1.2, 0), (-1.2, 0), (0, -0.8), (1.2, 0), (1.2, 0), (0, 0.8)),
        )
        shape = shapes[rng.integers(len(shapes))]
        brush.fill(shape, colour)
        brush.fill(shrunk(shape, 0.6), mix(colour, WHITE if rng.random() < 0.5 else PINK, 0.35))
