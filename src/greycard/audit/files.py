"""Findings from the headers of image files: format and file extension, mode, EXIF rotation, size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from PIL import Image

from greycard.audit.finding import Finding
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.file_facts import FileFacts, scan_files

_USUAL_MODES = ("RGB", "L", "1")
_FORMATS = {"MPO": "JPEG"}
"""Many cameras write MPO files as .jpg: a JPEG followed by more images."""

_SMALL, _LARGE, _NARROW = 32, 8000, 4.0
"""Limits of an extreme size: pixels of the short side, pixels of the long side, and the ratio of long to short."""


Named = tuple[str, FileFacts]
"""An image's id and its file's facts."""


def named_facts(split: Split) -> list[Named]:
    """The facts of every readable file of a split; empty for arrays."""
    if not isinstance(split.images, tuple):
        return []
    facts = scan_files(split.images) if split.facts is None else split.facts
    return [(id, each) for id, each in zip(split.ids, facts, strict=True) if not isinstance(each, str)]


def unreadable(left_out: Sequence[LeftOut]) -> Finding | None:
    if not left_out:
        return None
    ranked = sorted(left_out, key=lambda item: item.id)
    return Finding(
        "unreadable",
        f"{_files(len(ranked))} cannot be read",
        "replace or remove them; training leaves them out",
        [(item.id,) for item in ranked],
        [item.reason for item in ranked],
    )


def file_findings(facts: Sequence[Named]) -> list[Finding]:
    """Wrong endings, odd modes, EXIF rotation, extreme sizes."""
    found = (_wrong_endings(facts), _odd_modes(facts), _rotated(facts), _extremes(facts))
    return [finding for finding in found if finding]


def _wrong_endings(facts: Sequence[Named]) -> Finding | None:
    known = Image.registered_extensions()
    wrong = [
        (id, each)
        for id, each in facts
        if known.get(_ending(id), each.format) not in (each.format, _FORMATS.get(each.format))
    ]
    return _finding(
        "wrong ending",
        wrong,
        "have the extension of another format",
        "nothing to do for Greycard, which reads the content; other programs may fail",
        [f"is {each.format}" for _, each in wrong],
    )


def _odd_modes(facts: Sequence[Named]) -> Finding | None:
    odd = [(id, each) for id, each in facts if each.mode not in _USUAL_MODES]
    return _finding(
        "odd mode",
        odd,
        "have neither RGB nor grey pixels",
        "check how they are converted (docs/folders.md): transparency becomes white",
        [each.mode for _, each in odd],
    )


def _rotated(facts: Sequence[Named]) -> Finding | None:
    turned = [(id, each) for id, each in facts if each.orientation != 1]
    return _finding(
        "rotated",
        turned,
        "are stored rotated or mirrored, with an EXIF tag that says so",
        "nothing to do for Greycard, which turns them upright; other programs may not",
    )


def _extremes(facts: Sequence[Named]) -> Finding | None:
    extreme = [(id, each, why) for id, each in facts if (why := _extreme(each))]
    return _finding(
        "extreme size",
        [(id, each) for id, each, _ in extreme],
        f"are narrower than 1:{_NARROW:g}, smaller than {_SMALL} or larger than {_LARGE:,} pixels",
        "review them: all images get the same size, and are stretched unless `resize` is crop or pad",
        [why for _, _, why in extreme],
    )


def _ending(id: str) -> str:
    return PurePosixPath(id).suffix.lower()


def _extreme(facts: FileFacts) -> str | None:
    short, long = sorted((facts.width, facts.height))
    if short < _SMALL or long > _LARGE or long > _NARROW * short:
        return f"{facts.width}×{facts.height}"
    return None


def _finding(
    kind: str, about: Sequence[Named], have: str, next_step: str, details: Sequence[str] = ()
) -> Finding | None:
    if not about:
        return None
    order = sorted(range(len(about)), key=lambda place: about[place][0])
    ids = [(about[place][0],) for place in order]
    verb = have if len(about) > 1 else {"have": "has", "are": "is"}[have.split()[0]] + have[have.index(" ") :]
    return Finding(kind, f"{_files(len(about))} {verb}", next_step, ids, [details[p] for p in order] if details else ())


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
