"""`greycard fetch`: the only place that downloads a dataset; each step is atomic."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from greycard.core.errors import GreycardError
from greycard.core.paths import data_dir
from greycard.core.reporter import DownloadProgress
from greycard.datasets.archives import unpack
from greycard.datasets.catalog import Download, Entry, entry
from greycard.datasets.digests import RECEIPT, check_files, file_digest, known_files, manifest_of
from greycard.datasets.download import download
from greycard.datasets.load import describe_missing, is_here

_DOWNLOADS = ".downloads"


def fetch(
    name: str,
    folder: str | Path | None = None,
    *,
    progress: Callable[[str], DownloadProgress] = lambda _file: lambda _done, _total: None,
) -> bool:
    """Download a dataset into the data directory, verify and unpack it.

    An archive with the published name in the data directory is used instead of a download.

    Args:
        name: a dataset of the catalog.
        folder: the data directory; by default `GREYCARD_DATA` or the user's data folder.
        progress: given a file's name, returns the callback for its bytes.

    Returns:
        Whether anything was downloaded; False if the dataset is there already.

    Raises:
        GreycardError: unknown name, no automatic download, unreachable, or not the published content.
    """
    wanted = entry(name)
    root = data_dir(folder)
    if is_here(name, folder):
        return False
    if not wanted.downloads:
        raise describe_missing(wanted, root)
    for item in wanted.downloads:
        _fetch_one(wanted, item, root, progress)
    if not is_here(name, folder):
        raise GreycardError(
            f"{root / wanted.folder} has files that do not belong to {wanted.title}; nothing was changed",
            hint="move them away, or name another folder with --data-dir, and fetch again",
        )
    return True


def _fetch_one(wanted: Entry, item: Download, root: Path, progress: Callable[[str], DownloadProgress]) -> None:
    place = root / wanted.folder / (item.unpack[1] if item.unpack else item.file)
    if os.path.lexists(place) and not (place.is_dir() and not any(place.iterdir())):
        return  # belongs to the user, even if it is a link to a disk that is not mounted
    file = _own_copy(item, root) or _downloaded(item, root, progress)
    if item.unpack:
        _unpack_into(wanted, item, file, place)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(file, place)
    if file.parent.name == _DOWNLOADS:
        file.unlink(missing_ok=True)


def _own_copy(item: Download, root: Path) -> Path | None:
    """The archive that the user put there, if any; a different file is an error."""
    archive = root / item.file
    if item.unpack is None or not archive.is_file():
        return None
    if item.sha256 and file_digest(archive) != item.sha256:
        raise GreycardError(
            f"{archive} is not the published file: its SHA-256 is not {item.sha256}", hint="remove it and fetch again"
        )
    return archive


def _downloaded(item: Download, root: Path, progress: Callable[[str], DownloadProgress]) -> Path:
    target = root / _DOWNLOADS / item.file
    if target.is_file() and item.sha256 and file_digest(target) != item.sha256:
        target.unlink()  # only Greycard writes to this folder, so a wrong file can be removed
    if not target.is_file():
        download(item.url, target, digest=item.sha256, size=item.size, progress=progress(item.file))
    return target


def _unpack_into(wanted: Entry, item: Download, archive: Path, place: Path) -> None:
    """Unpack into a temporary folder, verify, write the manifest, and move the folder into place in one step."""
    assert item.unpack is not None
    place = place.resolve()  # an empty folder may be a link to another disk
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=place.parent))
    try:
        fresh = workshop / "fresh"
        files = unpack(archive, item.unpack[0], fresh)
        if item.sha256 is None and wanted.manifest:
            _check_content(wanted, fresh, files, archive)
        (fresh / RECEIPT).write_text(manifest_of(fresh, files), encoding="utf-8")
        if place.is_dir():
            place.rmdir()  # always empty: a folder with content was skipped
        os.replace(fresh, place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _check_content(wanted: Entry, fresh: Path, files: list[Path], archive: Path) -> None:
    """If no hash of the archive is published, verify its content; remove the download if it is wrong."""
    known = known_files(wanted.name)
    parts = {path.split("/", 1)[0] for path in known}  # the published archive also has a script next to them
    found = {file.relative_to(fresh).as_posix(): file for file in files}
    found = {path: file for path, file in found.items() if path.split("/", 1)[0] in parts}
    try:
        check_files(wanted.title, archive, found, known)
    except GreycardError:
        if archive.parent.name == _DOWNLOADS:
            archive.unlink()
        raise
