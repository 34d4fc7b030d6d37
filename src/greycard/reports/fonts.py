"""Names in images: an installed font for each of their characters, or a readable escape such as \\u732b."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from greycard.core.errors import GreycardWarning

BASE = "DejaVu Sans"
"""Included in Matplotlib; other fonts are used only for characters that it lacks."""

_LAST_RESORT = "Last Resort"  # has a box for every character
_JOINERS = "\u200c\u200d"


def drawable(name: str) -> str:
    """The name with an escape for each character that no font has or that is invisible."""
    return "".join(letter if _can_be_drawn(letter) else _escape(letter) for letter in name)


def use_fonts(figure: Figure, names: Iterable[str]) -> None:
    """Add fonts to a finished figure for these names; warn about escaped characters that no font has.

    Args:
        figure: its texts were made with `drawable`.
        names: the original names.
    """
    shown = list(dict.fromkeys(names))
    families = [BASE, *dict.fromkeys(family for name in shown for family in _other_families(name))]
    for text in figure.findobj(Text):
        text.set_fontfamily(families)
    warn_of_missing_fonts(shown)


def warn_of_missing_fonts(names: Iterable[str]) -> None:
    """One GreycardWarning for all names with characters that no installed font has."""
    missing = [name for name in dict.fromkeys(names) if any(map(_has_no_font, name))]
    if missing:
        escaped = ", ".join(f"{name} as {drawable(name)}" for name in missing[:3]) + (", …" if missing[3:] else "")
        warnings.warn(
            f"no installed font has every letter of {'this name' if len(missing) == 1 else f'{len(missing)} names'}, so"
            f" the image shows {escaped}; install a font for the script, such as one of the Noto fonts",
            GreycardWarning,
            stacklevel=3,
        )


@cache
def font_file(letter: str) -> str | None:
    """The file of an installed font that draws this character, Matplotlib's own font first; None if there is none."""
    return next((file for file in _files() if _draws(file, letter)), None)


def width(name: str) -> float:
    """The width of a drawable name, in multiples of the font size."""
    return sum(map(_advance, name))


@cache
def _advance(letter: str) -> float:
    font = _opened(font_file(letter) or font_manager.findfont(BASE))
    assert font is not None
    font.set_size(100, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 100


def _files() -> Iterator[str]:
    """Fonts with normal style and weight first; fonts installed after Matplotlib made its list come last."""
    yield font_manager.findfont(BASE)
    known = [entry for entry in font_manager.fontManager.ttflist if not entry.name.startswith(_LAST_RESORT)]
    yield from (entry.fname for entry in sorted(known, key=lambda e: (e.style != "normal", e.weight != 400, e.name)))
    listed = {entry.fname for entry in font_manager.fontManager.ttflist}
    yield from sorted(set(font_manager.findSystemFonts()) - listed)


def _draws(file: str, letter: str) -> bool:
    """Whether the font has an outline for the character: a font of coloured bitmaps has none."""
    font = _opened(file)
    if font is None or not font.get_char_index(ord(letter)):
        return False
    font.load_char(ord(letter))
    return len(font.get_path()[0]) > 0 or unicodedata.category(letter) in ("Zs", "Mn", "Cf")


@cache
def _opened(file: str) -> FT2Font | None:
    try:
        font = FT2Font(file)
    except (OSError, RuntimeError):  # damaged, or not supported by Matplotlib
        return None
    return font if font.scalable else None


def _other_families(name: str) -> list[str]:
    files = {file for letter in name if (file := font_file(letter))} - {font_manager.findfont(BASE)}
    return [_family(file) for file in sorted(files)]


def _family(file: str) -> str:
    """Matplotlib's name for the font; a font that is missing in its list is added."""
    if all(entry.fname != file for entry in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(file)
    return next(entry.name for entry in font_manager.fontManager.ttflist if entry.fname == file)


def _can_be_drawn(letter: str) -> bool:
    return _is_visible(letter) and font_file(letter) is not None


def _has_no_font(letter: str) -> bool:
    return _is_visible(letter) and font_file(letter) is None


def _is_visible(letter: str) -> bool:
    return letter.isprintable() or letter in _JOINERS


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
