"""What an image file's header tells: format against ending, mode, EXIF rotation, size."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from greycard.audit.finding import Finding
from greycard.datasets.dataset import LeftOut, Split
from greycard.datasets.images import UnreadableImageError, opened, orientation, quiet_pillow

_USUAL_MODES = ("RGB", "L", "1")
_FORMATS = {"MPO": "JPEG"}
"""What many cameras write as .jpg: a JPEG with more images behind the first."""

_SMALL, _LARGE, _NARROW = 32, 8000, 4.0
"""Pixels of a short side, pixels of a long side, and long over short side, beyond which an image is extreme."""


@dataclass(frozen=True)
class FileFacts:
    """What one file's header says.

    Attributes:
        id: the image's.
        ending: of its name, lower case, with the dot.
        format: as Pillow names it, such as `JPEG`.
        mode: of its pixels, such as `RGB`.
        width: in pixels, as stored.
        height: likewise.
        turned: whether an EXIF tag asks for another orientation.
    """

    id: str
    ending: str
    format: str
    mode: str
    width: int
    height: int
    turned: bool


def file_facts(split: Split) -> list[FileFacts]:
    """The header of every file of a split; those that cannot be opened are missing, arrays have none."""
    if not isinstance(split.images, tuple):
        return []
    with quiet_pillow(), ThreadPoolExecutor() as pool:
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
        "have an ending of another format",
        "nothing needs to be done: Greycard goes by the content; other programs may not",
        [f"is {each.format}" for each in wrong],
    )


def _odd_modes(facts: Sequence[FileFacts]) -> Finding | None:
    odd = [each for each in facts if each.mode not in _USUAL_MODES]
    return _finding(
        "odd mode",
        odd,
        "have neither RGB nor grey pixels",
        "look at how they are converted (docs/folders.md): transparency becomes white",
        [each.mode for each in odd],
    )


def _rotated(facts: Sequence[FileFacts]) -> Finding | None:
    turned = [each for each in facts if each.turned]
    return _finding(
        "rotated",
        turned,
        "are stored turned or mirrored, with an EXIF tag that says so",
        "nothing needs to be done: Greycard turns them upright; other programs may not",
    )


def _extremes(facts: Sequence[FileFacts]) -> Finding | None:
    extreme = [(each, why) for each in facts if (why := _extreme(each))]
    return _finding(
        "extreme size",
        [each for each, _ in extreme],
        f"are narrower than 1:{_NARROW:g}, smaller than {_SMALL} or larger than {_LARGE:,} pixels",
        "look at them: every image is stretched to one size",
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
