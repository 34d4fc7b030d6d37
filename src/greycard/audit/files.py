"""Findings from the headers of image files: format and file extension, mode, EXIF rotation, size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from greycard.audit.finding import Finding
from greycard.core.threads import thread_pool
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.images import UnreadableImageError, opened, orientation, quiet_pillow

_USUAL_MODES = ("RGB", "L", "1")
_FORMATS = {"MPO": "JPEG"}
"""Many cameras write MPO files as .jpg: a JPEG followed by more images."""

_SMALL, _LARGE, _NARROW = 32, 8000, 4.0
"""Limits of an extreme size: pixels of the short side, pixels of the long side, and the ratio of long to short."""


@dataclass(frozen=True)
class FileFacts:
    """The facts in one file's header.

    Attributes:
        id: the image's id.
        ending: the file extension, in lower case, with the dot.
        format: Pillow's name of the format, such as `JPEG`.
        mode: Pillow's mode of the pixels, such as `RGB`.
        width: stored width in pixels.
        height: stored height in pixels.
        turned: True if an EXIF tag sets another orientation.
    """

    id: str
    ending: str
    format: str
    mode: str
    width: int
    height: int
    turned: bool


def file_facts(split: Split) -> list[FileFacts]:
    """The header facts of every file of a split, without unreadable files; empty for arrays."""
    if not isinstance(split.images, tuple):
        return []
    with quiet_pillow(), thread_pool() as pool:
        found = pool.map(_facts, split.ids, split.images)
        return [facts for facts in found if facts is not None]


def _facts(id: str, path: Path) -> FileFacts | None:
    try:
        with opened(path) as image:
            turned = orientation(image) != 1
            return FileFacts(id, path.suffix.lower(), image.format or "", image.mode, *image.size, turned)
    except UnreadableImageError:
        return None


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


def file_findings(facts: Sequence[FileFacts]) -> list[Finding]:
    """Wrong endings, odd modes, EXIF rotation, extreme sizes."""
    found = (_wrong_endings(facts), _odd_modes(facts), _rotated(facts), _extremes(facts))
    return [finding for finding in found if finding]


def _wrong_endings(facts: Sequence[FileFacts]) -> Finding | None:
    known = Image.registered_extensions()
    wrong = [
        each for each in facts if each.ending in known and known[each.ending] != _FORMATS.get(each.format, each.format)
    ]
    return _finding(
        "wrong ending",
        wrong,
        "have the extension of another format",
        "nothing to do for Greycard, which reads the content; other programs may fail",
        [f"is {each.format}" for each in wrong],
    )


def _odd_modes(facts: Sequence[FileFacts]) -> Finding | None:
    odd = [each for each in facts if each.mode not in _USUAL_MODES]
    return _finding(
        "odd mode",
        odd,
        "have neither RGB nor grey pixels",
        "check how they are converted (docs/folders.md): transparency becomes white",
        [each.mode for each in odd],
    )


def _rotated(facts: Sequence[FileFacts]) -> Finding | None:
    turned = [each for each in facts if each.turned]
    return _finding(
        "rotated",
        turned,
        "are stored rotated or mirrored, with an EXIF tag that says so",
        "nothing to do for Greycard, which turns them upright; other programs may not",
    )


def _extremes(facts: Sequence[FileFacts]) -> Finding | None:
    extreme = [(each, why) for each in facts if (why := _extreme(each))]
    return _finding(
        "extreme size",
        [each for each, _ in extreme],
        f"are narrower than 1:{_NARROW:g}, smaller than {_SMALL} or larger than {_LARGE:,} pixels",
        "look at them: all images are stretched to the same size",
        [why for _, why in extreme],
    )


def _extreme(facts: FileFacts) -> str | None:
    short, long = sorted((facts.width, facts.height))
    if short < _SMALL or long > _LARGE or long > _NARROW * short:
        return f"{facts.width}×{facts.height}"
    return None


def _finding(
    kind: str, about: Sequence[FileFacts], have: str, next_step: str, details: Sequence[str] = ()
) -> Finding | None:
    if not about:
        return None
    order = sorted(range(len(about)), key=lambda place: about[place].id)
    ids = [(about[place].id,) for place in order]
    verb = have if len(about) > 1 else {"have": "has", "are": "is"}[have.split()[0]] + have[have.index(" ") :]
    return Finding(kind, f"{_files(len(about))} {verb}", next_step, ids, [details[p] for p in order] if details else ())


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"
