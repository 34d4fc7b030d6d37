"""List a folder: subfolders, images, other files; without the files of operating systems and Greycard."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from greycard.datasets.formats import has_image_ending

_SYSTEM_FOLDERS = ("__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found", "__pycache__")
_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")
_RUN_FILES = ("recipe.json", "labels.json")
_SHEETS = ("-check.png", "-augmented.png", "-heat.png", "-maps.png", "filters.png")
_MODELS = (".keras", ".h5", ".onnx", ".tflite", ".pb", ".pt", ".pth", ".safetensors")


@dataclass(frozen=True)
class Files:
    """The files below a folder, each in order of its path.

    Attributes:
        files: every visible file.
        closed: folders that were not entered, and entries that are not files, each with the reason.
    """

    files: tuple[Path, ...]
    closed: tuple[tuple[Path, str], ...]


def is_system(name: str) -> bool:
    """Whether an operating system or an editor made it: hidden files, `Thumbs.db`, `__MACOSX` and similar."""
    return name.startswith(".") or name.lower() in (*_SYSTEM_FOLDERS, *_SYSTEM_FILES)


def files_below(folder: Path) -> Files:
    """Every visible file; links to folders are not followed, which prevents endless loops."""
    files: list[Path] = []
    closed: list[tuple[Path, str]] = []

    def refused(error: OSError) -> None:
        closed.append((Path(error.filename), error.strerror or "cannot be read"))

    for parent, children, names in os.walk(folder, onerror=refused):
        children[:] = sorted(child for child in children if not is_system(child))
        closed += [(Path(parent, c), "a link to a folder") for c in children if Path(parent, c).is_symlink()]
        for path in (Path(parent, name) for name in names if not is_system(name)):
            if path.is_file() or (has_image_ending(path) and not path.exists()):  # a missing file is reported later
                files.append(path)
            elif path.exists():
                closed.append((path, "a pipe, device or socket, not a file"))  # opening one can block forever
            else:
                closed.append((path, "a link that leads nowhere"))
    return Files(tuple(sorted(files)), tuple(closed))


def subfolders(folder: Path) -> list[Path]:
    """The visible subfolders and links to folders, sorted; without links that lead back."""
    return [child for child in _folders(folder) if not _leads_back(child, folder)]


def loops(folder: Path) -> list[Path]:
    """Links in a folder that lead to it or to a folder above it."""
    return [child for child in _folders(folder) if _leads_back(child, folder)]


def loose_files(folder: Path) -> list[Path]:
    """The visible files directly in a folder, in order."""
    return [Path(entry.path) for entry in _entries(folder) if _is_file(entry)]


def loose_images(folder: Path) -> list[Path]:
    """The visible files with an image extension, sorted."""
    return [path for path in loose_files(folder) if has_image_ending(path)]


def has_images(folder: Path) -> bool:
    """Whether any file below it has an image extension."""
    return any(has_image_ending(path) for path in _walk(folder))


def is_empty(folder: Path) -> bool:
    return next(_walk(folder), None) is None


def is_output(folder: Path) -> bool:
    """Whether Greycard wrote it, by its content: runs, a run, contact sheets, explanations, exported models."""
    if _is_run(folder) or any(map(_is_run, subfolders(folder))):
        return True
    names = [path.name for path in loose_files(folder)]
    if subfolders(folder) or not names:
        return (folder / "saved_model.pb").is_file()
    sheets = [name for name in names if name.endswith((*_SHEETS, ".html"))]
    if sheets and all(name in sheets or name.endswith(".json") for name in names):
        return True
    return any(name.endswith(_MODELS) for name in names) and not loose_images(folder)


def class_name(folder: Path | str) -> str:
    """A class name in composed Unicode (NFC), on every operating system."""
    return unicodedata.normalize("NFC", folder if isinstance(folder, str) else folder.name)


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if _is_folder(entry)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """The visible entries of a folder, sorted; empty if it must not be entered (`files_below` reports that).

    The entries already know whether they are folders, so there is no disk access for each file.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not is_system(entry.name)), key=lambda entry: entry.name)
    except PermissionError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link to itself
        return entry.is_file()
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):
        return entry.is_dir()
    return False


def _leads_back(child: Path, folder: Path) -> bool:
    return child.is_symlink() and folder.resolve().is_relative_to(child.resolve())


def _is_run(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _RUN_FILES)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, children, names in os.walk(folder):
        children[:] = sorted(child for child in children if not is_system(child))
        yield from (Path(parent, name) for name in names if not is_system(name))
