"""A run's images at the places that they had in training, as links: an export is checked on the same images.

Since then labels and names may have changed, and classes may be new or empty. The links are in the page's hidden
folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from greycard.core.atomic_files import remove
from greycard.datasets.inside import files_below
from greycard.runs.record import RunRecord
from greycard.studio.images.folder import TRASH, ImageFolder
from greycard.studio.results.run_images import RunImages


def as_trained(run: RunRecord, images: ImageFolder, finder: RunImages, out: Path) -> Path | None:
    """Make a folder of links to the run's images, also to those in the trash.

    Args:
        run: the run.
        images: the user's images.
        finder: knows their contents.
        out: the folder of links; what was in it is replaced.

    Returns:
        The folder of links; None if the run was trained on other images.
    """
    listed = [id for ids in images.images().values() for id in ids]
    trash = [path.relative_to(images.root).as_posix() for path in files_below(images.root / TRASH).files]
    ids = [id for side in (*run.split, run.test_ids) for id in side]
    places = finder.find(ids, run.digests, [*listed, *trash])
    if not places or not all(map(_is_inside, ids)):
        return None
    _link(images.root, places, out)
    return out


def _is_inside(id: str) -> bool:
    """True if it names a place below the folder; a run may come from anywhere."""
    path = PurePosixPath(id)
    return not path.is_absolute() and ".." not in path.parts and not any(letter in id for letter in "\\:\0")


def _link(root: Path, places: Mapping[str, str], out: Path) -> None:
    remove(out)
    for id, place in places.items():
        (out / id).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.symlink(root / place, out / id)
        except OSError:  # Windows lets only some users make links; a copy works everywhere
            shutil.copy2(root / place, out / id)
