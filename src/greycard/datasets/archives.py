"""Unpacking a zip from elsewhere: no path leaves the folder, nothing grows without bound, all of it or nothing."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from greycard.core.errors import GreycardError

MAX_FILES = 200_000
MAX_BYTES = 8 << 30
MAX_RATIO = 200
_BLOCK = 1 << 20
_NAME_BYTES = 255
_IGNORED = ("__MACOSX", ".")  # a Mac's resource forks, hidden files
_NOT_PUBLISHED = "remove the archive; it is not the published one"


def unpack(archive: Path, prefix: str, target: Path) -> list[Path]:
    """Write the files under `prefix` in a zip to the folder `target`, which must not exist yet; return them.

    Args:
        archive: the zip file.
        prefix: a folder inside it, "" for all of it; what lies elsewhere is not unpacked.
        target: created; removed again if anything goes wrong.

    Raises:
        GreycardError: damaged, encrypted, empty under `prefix`, unsafe (a path or link that leaves the folder), or
            larger unpacked than MAX_BYTES, MAX_FILES or MAX_RATIO times the archive.
    """
    target.mkdir(parents=True)
    try:
        with _opened(archive) as source:
            members = _members(source, prefix, archive)
            budget = min(MAX_BYTES, MAX_RATIO * archive.stat().st_size)
            return _write(source, members, target, budget)
    except zipfile.BadZipFile as error:
        shutil.rmtree(target)
        raise GreycardError(
            f"{archive} is damaged or not a plain zip file: {error}", hint="remove it and fetch again"
        ) from error
    except BaseException:
        shutil.rmtree(target)
        raise


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except FileNotFoundError:
        raise
    except Exception as error:  # its table of contents, too
        raise zipfile.BadZipFile(str(error)) from error


def _members(source: zipfile.ZipFile, prefix: str, archive: Path) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    infos = source.infolist()
    for info in infos:
        _expect_safe(info, archive)
    root = PurePosixPath(prefix)
    files = [(info, PurePosixPath(info.filename)) for info in infos if not info.is_dir()]
    inside = [(info, path.relative_to(root)) for info, path in files if path.is_relative_to(root)]
    members = [(info, path) for info, path in inside if not any(part.startswith(_IGNORED) for part in path.parts)]
    if not members:
        raise GreycardError(f"{archive} has no files under {prefix!r}", hint=_NOT_PUBLISHED)
    if len(members) > MAX_FILES:
        raise GreycardError(
            f"{archive} holds {len(members):,} files; at most {MAX_FILES:,} are unpacked", hint=_NOT_PUBLISHED
        )
    return members


def _expect_safe(info: zipfile.ZipInfo, archive: Path) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    leaves = path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else True
    if any(len(part.encode("utf-8", "replace")) > _NAME_BYTES for part in path.parts):
        raise GreycardError(
            f"{archive} holds a name of more than {_NAME_BYTES} bytes; nothing was unpacked", hint=_NOT_PUBLISHED
        )
    if leaves or stat.S_ISLNK(info.external_attr >> 16):
        raise GreycardError(
            f"{archive} is not safe to unpack: {info.filename!r} leaves its folder or is a link; nothing was unpacked",
            hint=_NOT_PUBLISHED,
        )


def _write(
    source: zipfile.ZipFile, members: list[tuple[zipfile.ZipInfo, PurePosixPath]], target: Path, budget: int
) -> list[Path]:
    """Counts the bytes as they come, because a bomb's header can lie."""
    written = []
    for info, relative in members:
        place = target.joinpath(*relative.parts)
        with _created(place) as file:
            for block in _blocks(source, info):
                budget -= len(block)
                if budget < 0:
                    why = f"{source.filename} unpacks to far more than it should; nothing was kept"
                    raise GreycardError(why, hint=_NOT_PUBLISHED)
                file.write(block)
        written.append(place)
    return written


def _created(place: Path) -> IO[bytes]:
    """A new file; two members of one name, or a name that is none, are the archive's fault and not the disk's."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open("xb")
    except (FileExistsError, NotADirectoryError, ValueError) as error:
        raise zipfile.BadZipFile(f"{place.name!r} cannot be a file's name: {error}") from error


def _blocks(source: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with source.open(info) as member:
            while block := member.read(_BLOCK):
                yield block
    except GeneratorExit:
        raise
    except Exception as error:  # a damaged zip raises nearly anything
        raise zipfile.BadZipFile(str(error)) from error
