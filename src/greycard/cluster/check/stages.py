"""The stages of a check of a list: each is many units of work, and needs the files of the stages before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greycard.cluster.check.listing import Listing
from greycard.cluster.engine import Engine
from greycard.cluster.file_units import FileUnit, write_files
from greycard.core.reporter import Reporter


@dataclass(frozen=True)
class Stages:
    """What all stages share.

    Attributes:
        engine: runs their units.
        listing: the images, whose parts are there.
        images_in: relative paths of images start in this folder.
        reporter: shows progress.
    """

    engine: Engine
    listing: Listing
    images_in: str
    reporter: Reporter

    def write(self, verb: str, units: Sequence[FileUnit]) -> None:
        """Write the files of the units that are not there yet; the errors are those of `write_files`."""
        write_files(self.engine, self.listing.folder, units, self.reporter, verb)
