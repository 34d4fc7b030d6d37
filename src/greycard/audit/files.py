"""Findings about single files: unreadable, near-empty, or with an unusual extension, mode, EXIF rotation or size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

_FLAT = 4.0
"""An image whose grey values (0 to 255) have a smaller standard deviation than this is near-empty."""

Named = tuple[str, FileFacts]
"""An image's id and its file's facts."""


def named_facts(split: Split) -> list[Named]:
    """The facts of every readable file of a split; empty for arrays."""
    if not isinstance(split.images, tuple):
        return []
    facts = scan_files(split.images) if split.facts is None else split.facts
    return [(id, each) for id, each in zip(split.ids, facts, strict=True) if not isinstance(each, str)]


@dataclass(frozen=True)
class Remark:
    """What is unusual about a file.

    Attributes:
        kind: of the finding.
        id: of the image.
        detail: such as its format; may be empty.
    """

    kind: str
    id: str
    detail: str


_WORDS = {
    "unreadable": ("cannot be read", "replace or remove them; training leaves them out"),
    "near-empty": ("are near-empty", "review them and remove those that are not intended"),
    "wrong ending": (
        "have the extension of another format",
        "nothing to do for Greycard, which reads the content; other programs may fail",
    ),
    "odd mode": (
        "have neither RGB nor grey pixels",
        "check how they are converted (docs/folders.md): transparency becomes white",
    ),
    "rotated": (
        "are stored rotated or mirrored, with an EXIF tag that says so",
        "nothing to do for Greycard, which turns them upright; other programs may not",
    ),
    "extreme size": (
        f"are narrower than 1:{_NARROW:g}, smaller than {_SMALL} or larger than {_LARGE:,} pixels",
        "review them: all images get the same size, and are stretched unless `resize` is crop or pad",
    ),
}
"""Of each kind: what the files have in common, and what to do."""

FILE_KINDS = tuple(_WORDS)


def unreadable(left_out: Sequence[LeftOut]) -> Finding | None:
    """The finding about files that cannot be read, if there are any."""
    remarks = sorted((Remark("unreadable", item.id, item.reason) for item in left_out), key=lambda each: each.id)
    return file_finding(remarks, len(remarks)) if remarks else None


def file_findings(facts: Sequence[Named]) -> list[Finding]:
    """Wrong endings, odd modes, EXIF rotation, extreme sizes."""
    remarks = sorted((each for id, of in facts for each in file_remarks(id, of)), key=lambda each: each.id)
    of_kinds = ([each for each in remarks if each.kind == kind] for kind in FILE_KINDS)
    return [file_finding(some, len(some)) for some in of_kinds if some]


def file_remarks(id: str, facts: FileFacts) -> Iterator[Remark]:
    """What is unusual about one file."""
    known = Image.registered_extensions().get(_ending(id), facts.format)
    if known not in (facts.format, _FORMATS.get(facts.format)):
        yield Remark("wrong ending", id, f"is {facts.format}")
    if facts.mode not in _USUAL_MODES:
        yield Remark("odd mode", id, facts.mode)
    if facts.orientation != 1:
        yield Remark("rotated", id, "")
    if why := _extreme(facts):
        yield Remark("extreme size", id, why)


def near_empty_remarks(ids: Sequence[str], spread: Sequence[float]) -> list[Remark]:
    """The remarks about images with little content, in order.

    Args:
        ids: of images.
        spread: the standard deviation of the grey values of each, 0 to 255.
    """
    flat = ((id, each) for id, each in zip(ids, spread, strict=True) if each < _FLAT)
    return [Remark("near-empty", id, f"grey values spread by {each:.1f} of 255") for id, each in flat]


def file_finding(remarks: Sequence[Remark], count: int, thing: str = "file") -> Finding:
    """The finding about files with the same kind of remark.

    Args:
        remarks: all of them, or the first ones; at least one.
        count: of all files.
        thing: what they are called.
    """
    have, next_step = _WORDS[remarks[0].kind]
    first, _, rest = have.partition(" ")
    verb = first if count > 1 else {"have": "has", "are": "is"}.get(first, first)
    files = f"{count:,} {thing}{'' if count == 1 else 's'}"
    details = [each.detail for each in remarks] if any(each.detail for each in remarks) else []
    ids = [(each.id,) for each in remarks]
    return Finding(remarks[0].kind, f"{files} {verb} {rest}", next_step, ids, details, found=count)


def _ending(id: str) -> str:
    return PurePosixPath(id).suffix.lower()


def _extreme(facts: FileFacts) -> str | None:
    short, long = sorted((facts.width, facts.height))
    if short < _SMALL or long > _LARGE or long > _NARROW * short:
        return f"{facts.width}×{facts.height}"
    return None
