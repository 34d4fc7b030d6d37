"""Checksums: compare the files in a data directory with the published ones, and report differences.

A manifest is a text file with one line for each file: the first 16 hex digits of its SHA-256, a space, and its path in
the dataset's folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from greycard.core.errors import GreycardError, command

RECEIPT = ".greycard-manifest.txt"
"""`fetch` writes it next to the unpacked files, so that later damage is found for every dataset."""


def array_digest(array: np.ndarray) -> str:
    """SHA-256 of the array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest_of(folder: Path, files: Iterable[Path]) -> str:
    """The manifest of these files, paths relative to `folder`."""
    lines = [f"{file_digest(file)[:16]} {file.relative_to(folder).as_posix()}" for file in sorted(files)]
    return "".join(f"{line}\n" for line in lines)


def known_files(name: str) -> dict[str, str]:
    """path → digest of a dataset's published files, from the list in the package."""
    return _parse(resources.files("greycard.datasets").joinpath(f"manifests/{name}.txt").read_text("utf-8"))


def received_files(folder: Path) -> dict[str, str]:
    """path → digest of the files that `fetch` unpacked into `folder`; empty if it did not."""
    receipt = folder / RECEIPT
    return _parse(receipt.read_text("utf-8")) if receipt.is_file() else {}


def check_files(name: str, folder: Path, found: Mapping[str, Path], known: Mapping[str, str]) -> None:
    """Compare the files found with a manifest.

    Args:
        name: the dataset's name, for the message.
        folder: the folder of the files, for the message.
        found: path in the dataset's folder → file.
        known: path → digest.

    Raises:
        GreycardError: files are missing, different or unknown; the message names the first ones.
    """
    wrong = [f"{path} (missing)" for path in sorted(known.keys() - found.keys())]
    wrong += [f"{path} (not part of it)" for path in sorted(found.keys() - known.keys())]
    both = sorted(known.keys() & found.keys())
    wrong += [f"{path} (damaged or changed)" for path in both if not _same(found[path], known[path])]
    if wrong:
        shown = ", ".join(wrong[:3]) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else "")
        raise GreycardError(
            f"{name} in {folder} is not what was published: expected {len(known)} files with known content,"
            f" received {shown}",
            hint=f"repair those files or fetch it again into another folder; `{command('train', folder)}` trains on"
            " your own version",
        )


def _same(file: Path, digest: str) -> bool:
    return file_digest(file).startswith(digest)


def _parse(text: str) -> dict[str, str]:
    pairs = (line.split(" ", 1) for line in text.splitlines() if line)
    return {path: digest for digest, path in pairs}
