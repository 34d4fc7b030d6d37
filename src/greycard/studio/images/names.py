"""Names that a user types, and names of uploaded files, as names of folders and files."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath

from greycard.datasets.folder_names import LONGEST, RESERVED, UNUSABLE
from greycard.datasets.inside import is_system
from greycard.deploy.serve.limits import RefusedError


def is_text(name: str) -> bool:
    """False for the name of a file that is not valid text: Linux allows any bytes, but no answer can have it."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def label_of(id: str) -> str | None:
    """The class of an image; None for one directly in the folder."""
    first, slash, _ = id.partition("/")
    return first if slash else None


def class_name(typed: object) -> str:
    """A class's name as its folder is called.

    Raises:
        RefusedError: it cannot be a folder's name on every system.
    """
    name = unicodedata.normalize("NFC", typed).strip() if isinstance(typed, str) else ""
    if not name or len(name) > LONGEST:
        raise RefusedError(422, f"a class needs a name of 1 to {LONGEST} characters")
    found = UNUSABLE.search(name)
    if found or name.endswith("."):
        wrong = repr(found[0]) if found else "a dot at its end"
        raise RefusedError(422, f"{name!r} cannot be a class: the name of a folder must not have {wrong}")
    if is_system(name) or RESERVED.fullmatch(name):
        raise RefusedError(422, f"{name!r} cannot be a class: computers use this name for themselves")
    return name


def class_name_in(found: str) -> str:
    """A class's name from a file of another program, without the letters that a folder cannot have.

    Raises:
        RefusedError: nothing usable is left.
    """
    plain = UNUSABLE.sub("", unicodedata.normalize("NFC", found))
    return class_name(plain.strip(" .")[:LONGEST].strip(" ."))


def file_name(uploaded: str, ending: str) -> str:
    """A safe file name for an upload: its own without folders and unusual letters, with the ending of its format."""
    stem = PurePosixPath(uploaded.replace("\\", "/")).stem
    plain = UNUSABLE.sub("", unicodedata.normalize("NFC", stem)).strip(". ")[:LONGEST]
    usable = plain and plain.isprintable() and not is_system(plain) and not RESERVED.fullmatch(plain)
    return f"{plain if usable else 'image'}{ending}"


def free_path(path: PurePosixPath, is_taken: Callable[[str], bool], number: int = 1) -> str:
    """The path, or the same with -2, -3 and so on before its ending, so that it is not taken.

    Args:
        path: the path.
        is_taken: whether there is such a path.
        number: the first one to try; 1 is the path itself.
    """
    while is_taken(found := str(path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}"))):
        number += 1
    return found
