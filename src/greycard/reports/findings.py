"""The findings of `greycard check` as text and as a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from greycard.audit.check import Report
from greycard.audit.finding import KINDS, Finding
from greycard.audit.list_report import ListReport
from greycard.audit.thumbnails import Thumbnails
from greycard.reports.escapes import one_line
from greycard.reports.fonts import drawable, font_file, warn_of_missing_fonts

_LISTED = 5
_SHOWN, _COLUMNS, _SIDE, _GAP, _LINE, _SMALL = 12, 12, 96, 8, 18, 10


def report_text(report: Report | ListReport) -> str:
    """One paragraph for each finding: what it is, its first images, and the next step."""
    if isinstance(report, ListReport):
        images = f"{report.images:,} image{'' if report.images == 1 else 's'}"
        return "\n".join(_lines(report, images, str(report.folder)))
    test = f" and {report.test_images:,} test" if report.test_images else ""
    images = f"{report.train_images:,} training and {report.val_images:,} validation{test} images"
    return "\n".join([*_lines(report, images, "--format json"), *(f"note: {note}" for note in report.notes)])


def _lines(report: Report | ListReport, images: str, all_are_in: str) -> list[str]:
    lines = [f"{report.name}: {images} checked"]
    for finding in report.findings:
        lines += ["", f"{finding.kind}: {finding.sentence}", *_listed(finding, all_are_in), f"  → {finding.next_step}"]
    return lines if report.findings else [*lines, "", "no problems found"]


def _listed(finding: Finding, all_are_in: str) -> list[str]:
    details = list(finding.details) or [""] * len(finding.groups)
    pairs = list(zip(finding.groups, details, strict=True))
    lines = [f"  {_some(ids)}{f'  ({why})' if why else ''}" for ids, why in pairs[:_LISTED]]
    if finding.count > len(lines):
        lines.append(f"  … and {finding.count - len(lines):,} more ({all_are_in} has all)")
    return lines


def _some(ids: Sequence[str], most: int = 4) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return " = ".join(map(one_line, ids[:most])) + more


def findings_sheet(report: Report | ListReport, thumbnails: Thumbnails) -> Image.Image | None:
    """One row of images for each finding that has images; images of one group are side by side."""
    row_of = {id: row for row, id in enumerate(thumbnails.ids)}
    bands = [_band(finding, thumbnails, row_of) for finding in report.findings]
    warn_of_missing_fonts(id for finding in report.findings for id, _ in _first_of(finding, row_of))
    shown = [band for band in bands if band is not None]
    if not shown:
        return None
    sheet = Image.new("RGB", (shown[0].width, sum(band.height for band in shown)), "white")
    top = 0
    for band in shown:
        sheet.paste(band, (0, top))
        top += band.height
    return sheet


def _band(finding: Finding, thumbnails: Thumbnails, row_of: dict[str, int]) -> Image.Image | None:
    """The finding's title, and the name below each of its first images."""
    images = _first_of(finding, row_of)
    if not images:
        return None
    width = _GAP + _COLUMNS * (_SIDE + _GAP)
    band = Image.new("RGB", (width, _LINE + _SIDE + 2 * _LINE + _GAP), "white")
    pen = ImageDraw.Draw(band)
    _write(pen, (_GAP, 2), f"{finding.kind}: {KINDS[finding.kind]}", "black", 12)
    for place, (id, begins) in enumerate(images):
        left = _GAP + place * (_SIDE + _GAP)
        band.paste(_thumbnail(thumbnails.colour[row_of[id]]), (left, _LINE))
        if begins and place:
            pen.line([(left - _GAP // 2, _LINE), (left - _GAP // 2, _LINE + _SIDE)], "black")
        for line, words in enumerate(_name(id)):
            _write(pen, (left, _LINE + _SIDE + 2 + line * (_LINE - 4)), words, "dimgray", _SMALL)
    return band


def _thumbnail(image: np.ndarray) -> Image.Image:
    flat = image[:, :, 0] if image.shape[2] == 1 else image
    return Image.fromarray(flat).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


def _first_of(finding: Finding, row_of: dict[str, int]) -> list[tuple[str, bool]]:
    """The ids of the shown images, and whether each one starts a group."""
    there = [[id for id in ids[:4] if id in row_of] for ids in finding.groups]
    return [(id, place == 0) for ids in there for place, id in enumerate(ids)][:_SHOWN]


def _name(id: str) -> tuple[str, str]:
    """Folder and file name, shortened to fit."""
    folder, _, name = id.rpartition("/")
    return _end_of(drawable(folder)), _end_of(drawable(name))


def _end_of(words: str) -> str:
    while sum(font.getlength(part) for font, part in _parts(words, _SMALL)) > _SIDE:
        words = words[1:]
    return words


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str, colour: str, size: int) -> None:
    """Draw words with as many fonts as they need."""
    left, top = place
    for font, part in _parts(words, size):
        pen.text((left, top + size), part, colour, font, anchor="ls")
        left += font.getlength(part)


def _parts(words: str, size: int) -> list[tuple[ImageFont.FreeTypeFont, str]]:
    """Split the words where the font changes; characters without a font are escaped."""
    return [
        (ImageFont.truetype(file, size), "".join(letters)) for file, letters in groupby(words, key=font_file) if file
    ]
