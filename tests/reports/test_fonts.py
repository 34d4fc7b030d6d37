"""Names in every script: an installed font that has them, or an escape and a note; never boxes."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from greycard.core.errors import GreycardWarning
from greycard.reports import figures, fonts
from greycard.reports.drawing import as_png
from greycard.reports.explanation import heat_figure

LETTER = "\u2c2f"
"""Of the Glagolitic script: in DejaVu Sans there is none."""


def _font(path: Path, letter: str, family: str) -> Path:
    """A font file that draws a square for one letter."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(letter): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "square": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


NAMES = {"猫": "\\u732b", "собака": "собака", "קatze": "קatze", "a\nb": "a\\nb", "\udcff": "\\udcff", "😀": "😀"}


@pytest.mark.parametrize("name", NAMES)
def test_what_no_font_has_is_escaped(own_fonts: list[str], name: str) -> None:
    assert fonts.drawable(name) == NAMES[name]


@pytest.mark.parametrize(("names", "told"), [(["猫", "dog"], "猫 as \\u732b"), (["собака", "dog"], None)])
def test_a_note_says_so_and_nothing_else_is_said(own_fonts: list[str], names: list[str], told: str | None) -> None:
    """Matplotlib warns of each glyph that it lacks; here every warning but the note is an error."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        image = as_png(figures.confusion([[3, 1], [0, 4]], names))
    assert image.startswith(b"\x89PNG")
    assert [each.category for each in found] == ([GreycardWarning] if told else [])
    assert all(told in str(each.message) for each in found if told)


def test_an_installed_font_is_used(own_fonts: list[str], tmp_path: Path) -> None:
    """Also one that was installed after Matplotlib made its list; its square is drawn, and not another font's box."""
    before = fonts.drawable(LETTER)
    own_fonts.append(str(_font(tmp_path / "square.ttf", LETTER, "Greycard Squares")))
    fonts.font_file.cache_clear()
    assert (before, fonts.drawable(LETTER)) == ("\\u2c2f", LETTER)
    figure = figures.confusion([[3, 1], [0, 4]], [LETTER * 3, "dog"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_png(figure)
    assert all("Greycard Squares" in text.get_fontfamily() for text in figure.findobj(Text))


def test_a_font_without_outlines_is_none(own_fonts: list[str], tmp_path: Path) -> None:
    """Fonts of coloured bitmaps have the character and no outline; a damaged file has nothing."""
    (tmp_path / "damaged.ttf").write_bytes(b"\0\1\0\0 no font")
    own_fonts.append(str(tmp_path / "damaged.ttf"))
    assert fonts.font_file(LETTER) is None


def test_explanations_and_curves_draw_names_in_every_script(own_fonts: list[str]) -> None:
    image, heat = np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32)
    with pytest.warns(GreycardWarning, match="2 names"):
        figure = heat_figure(image, heat, heat, "猫", {"猫": 0.5, "犬 $5": 0.3, "قطة": 0.2})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_png(figure)
    assert "\\u732b 50.0 %" in figure.axes[0].get_title()


@given(name=st.text(max_size=12))
def test_any_name_can_be_drawn(name: str) -> None:
    shown = fonts.drawable(name)
    assert all(fonts.font_file(letter) for letter in shown)
    assert "\n" not in shown


def test_the_contact_sheet_of_check_has_them_too(own_fonts: list[str], tmp_path: Path, cli) -> None:
    for name in ("猫", "собака"):
        (tmp_path / "zoo" / name).mkdir(parents=True)
        for number in range(6):
            shade = np.full((16, 16, 3), 40 * number, np.uint8)
            Image.fromarray(shade).save(tmp_path / "zoo" / name / f"{number}.png")
    said = cli("check", tmp_path / "zoo", "--out", tmp_path, "--quiet")
    assert said.code == 0, said.err
    assert "no installed font has every letter" in said.err
    assert "Glyph" not in said.err
    with Image.open(tmp_path / "zoo-check.png") as sheet:
        assert np.asarray(sheet.convert("L")).std() > 5
