"""Unpacking a zip or tar: paths stay inside the folder, sizes are limited, and a failure leaves nothing behind."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from greycard.core.errors import GreycardError

ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

MAX_FILES = 200_000
MAX_BYTES = 8 << 30
MAX_RATIO = 200
_BLOCK = 1 << 20
_ENTRY_BYTES = 512
"""More than a file takes in the list of files of a zip, which Python reads into memory at once."""

_NAME_BYTES = 255
_IGNORED = ("__MACOSX", ".")  # a Mac's resource forks, hidden files
_NOT_PUBLISHED = "remove the archive; it is not the published one"


_SIZE_FIELD = 5
"""The place of that list's size in the end record of a zip."""


class DamagedArchiveError(Exception):
    """The archive cannot be read to its end; the message gives the reason."""


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Attributes:
        name: as written in the archive.
        size: its bytes according to the archive, which can be wrong.
        open: opens a stream of its bytes.
    """

    name: str
    size: int
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class Most:
    """The most that an archive may unpack to.

    Attributes:
        files: number of files.
        bytes: of all files together; never more than MAX_RATIO times the archive.
    """

    files: int = MAX_FILES
    bytes: int = MAX_BYTES


def unpack(archive: Path, prefix: str, target: Path, hint: str = _NOT_PUBLISHED) -> list[Path]:
    """Write the files under `prefix` in a zip or tar to the folder `target`, which must not exist yet; return them.

    Args:
        archive: the file.
        prefix: a folder inside it, "" for the whole archive; other files are not unpacked.
        target: created; removed again if anything goes wrong.
        hint: hint of the error if the archive is refused.

    Raises:
        GreycardError: damaged, encrypted, empty under `prefix`, unsafe (a path or link that leaves the folder), or
            larger unpacked than MAX_BYTES, MAX_FILES or MAX_RATIO times the archive.
    """
    root = PurePosixPath(prefix)

    def place(path: PurePosixPath, number: int) -> Path | None:
        if not path.is_relative_to(root):
            return None
        relative = path.relative_to(root)
        return None if _is_ignored(relative) else target.joinpath(*relative.parts)

    written = _unpacked(archive, target, place, Most(), hint)
    if not written:
        shutil.rmtree(target)
        where = f" under {prefix!r}" if prefix else ""
        raise GreycardError(f"{archive} has no files{where}", hint=hint)
    return [path for _, path in written]


def unpack_numbered(archive: Path, target: Path, most: Most, hint: str) -> list[tuple[str, Path]]:
    """Write all files of a zip or tar to the folder `target` as 0, 1, 2 …: names from strangers become no path.

    Args:
        archive: the file.
        target: created; removed again if anything goes wrong.
        most: the most that may be unpacked.
        hint: hint of the error if the archive is refused.

    Returns:
        The name of each file in the archive, and its path.

    Raises:
        GreycardError: as for `unpack`; an archive without files is not refused.
    """
    return _unpacked(
        archive, target, lambda path, number: None if _is_ignored(path) else target / str(number), most, hint
    )


Place = Callable[[PurePosixPath, int], Path | None]
"""Where a file with this name and number is written; None for nowhere."""


def _unpacked(archive: Path, target: Path, place: Place, most: Most, hint: str) -> list[tuple[str, Path]]:
    target.mkdir(parents=True)
    try:
        return _write(_members(archive, most, hint), archive, place, most, hint)
    except DamagedArchiveError as error:
        shutil.rmtree(target)
        kind = "zip" if archive.suffix.lower() == ".zip" else "tar"
        advice = "remove it and fetch again" if hint == _NOT_PUBLISHED else hint
        raise GreycardError(f"{archive} is damaged or not a plain {kind} file: {error}", hint=advice) from error
    except BaseException:
        shutil.rmtree(target)
        raise


def _members(archive: Path, most: Most, hint: str) -> Iterator[Member]:
    """The archive's files in order; all names of a zip are checked before the first byte is unpacked."""
    try:
        is_zip = archive.suffix.lower() == ".zip"
        yield from _zip_members(archive, most, hint) if is_zip else _tar_members(archive, hint)
    except (FileNotFoundError, PermissionError, GreycardError, GeneratorExit):
        raise
    except Exception as error:  # a damaged archive can raise almost any exception
        raise DamagedArchiveError(str(error)) from error


def _zip_members(archive: Path, most: Most, hint: str) -> Iterator[Member]:
    if _directory_bytes(archive) > most.files * _ENTRY_BYTES:
        raise _too_many(archive, most, hint)
    with zipfile.ZipFile(archive) as source:
        infos = source.infolist()
        for info in infos:
            _expect_safe(info.filename, not stat.S_ISLNK(info.external_attr >> 16), archive, hint)
            if info.flag_bits & 1:
                raise GreycardError(
                    f"{archive} is encrypted", hint="unpack it with its password and name the unpacked folder"
                )
        for info in infos:
            if not info.is_dir():
                name = info.filename.replace("\\", "/")  # some Windows programs write backslashes
                yield Member(name, info.file_size, partial(source.open, info))


def _directory_bytes(archive: Path) -> int:
    """The size of a zip's list of files, as Python's reader finds it; 0 if there is none: the reader then says so."""
    with archive.open("rb") as file:
        found = zipfile._EndRecData(file)  # type: ignore[attr-defined]  # the size that the reader itself will use
    return 0 if found is None else int(found[_SIZE_FIELD])


def _tar_members(archive: Path, hint: str) -> Iterator[Member]:
    with tarfile.open(archive, "r:*") as source:
        for info in source:
            _expect_safe(info.name, info.isfile() or info.isdir(), archive, hint)
            if info.isfile():
                yield Member(info.name, info.size, partial(_tar_stream, source, info))


def _tar_stream(source: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = source.extractfile(info)
    if stream is None:
        raise DamagedArchiveError(f"{info.name!r} is not a file")
    return stream


def _expect_safe(name: str, is_plain: bool, archive: Path, hint: str) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if any(len(part.encode("utf-8", "replace")) > _NAME_BYTES for part in path.parts):
        raise GreycardError(f"{archive} has a name of more than {_NAME_BYTES} bytes; nothing was unpacked", hint=hint)
    leaves = path.is_absolute() or ".." in path.parts or (":" in path.parts[0] if path.parts else name != ".")
    if leaves or not is_plain:
        raise GreycardError(
            f"{archive} is not safe to unpack: {name!r} leaves its folder or is a link; nothing was unpacked", hint=hint
        )


def _is_ignored(path: PurePosixPath) -> bool:
    return any(part.startswith(_IGNORED) for part in path.parts)


def _write(members: Iterator[Member], archive: Path, place: Place, most: Most, hint: str) -> list[tuple[str, Path]]:
    """Counts bytes and files while unpacking, because the header of an archive bomb can be false."""
    budget = min(most.bytes, MAX_RATIO * archive.stat().st_size)
    written: list[tuple[str, Path]] = []
    for member in members:
        path = place(PurePosixPath(member.name), len(written))
        if path is None:
            continue
        if len(written) == most.files:
            raise _too_many(archive, most, hint)
        if member.size > budget:
            raise _too_much(archive, hint)
        with _created(path) as file:
            for block in _blocks(member):
                budget -= len(block)
                if budget < 0:
                    raise _too_much(archive, hint)
                file.write(block)
        written.append((member.name, path))
    return written


def _too_many(archive: Path, most: Most, hint: str) -> GreycardError:
    return GreycardError(f"{archive} contains more than {most.files:,} files; unpacking stopped", hint=hint)


def _too_much(archive: Path, hint: str) -> GreycardError:
    return GreycardError(f"{archive} unpacks to more data than is allowed; nothing was kept", hint=hint)


def _created(place: Path) -> IO[bytes]:
    """Open a new file; a duplicate or invalid name is an error of the archive, not of the disk."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open("xb")
    except (FileExistsError, NotADirectoryError, ValueError) as error:
        raise DamagedArchiveError(f"{place.name!r} cannot be a file's name: {error}") from error


def _blocks(member: Member) -> Iterator[bytes]:
    try:
        with member.open() as stream:
            while block := stream.read(_BLOCK):
                yield block
    except GeneratorExit:
        raise
    except Exception as error:  # a damaged archive can raise almost any exception
        raise DamagedArchiveError(str(error)) from error
