"""Sort images by the answers of a file: a folder for each answer, with links or copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from greycard.core.reporter import Reporter
from greycard.datasets.folder_names import folder_names
from greycard.deploy.answers.content import Frames, expect_kept
from greycard.deploy.answers.file import read_answers
from greycard.deploy.answers.job import Job
from greycard.deploy.answers.sorted_folder import SortedFolder
from greycard.deploy.inputs.frames import video_of
from greycard.jobs.predict import Predicted


@dataclass(frozen=True)
class SortedImages:
    """The result of sorting.

    Attributes:
        root: the folder of the folders.
        placed: new links or copies.
        there: links or copies of an earlier call.
        folders: the number of folders with images.
        copies: whether images were copied.
    """

    root: Path
    placed: int
    there: int
    folders: int
    copies: bool

    def __str__(self) -> str:
        what = "copies" if self.copies else "links"
        before = f", {self.there:,} were there before" if self.there else ""
        folders = "folder" if self.folders == 1 else "folders"
        return f"{self.root}: {self.placed:,} {what} in {self.folders:,} {folders}{before}"


def sort_images(
    predicted: Predicted, job: Job, root: Path, classes: Iterable[str], *, copies: bool, reporter: Reporter
) -> SortedImages:
    """Link or copy every image of an answers file into the folder of its answer, or of each of its labels.

    Unreadable images are left out.

    Args:
        predicted: the file of answers.
        job: its record.
        root: the folder; what is in it stays unchanged.
        classes: of the run.
        copies: True for copies in place of symbolic links.
        reporter: is shown the progress.

    Raises:
        GreycardError: an image is a camera's frame, or no name is free for an image.
    """
    expect_kept(predicted.camera, "--sort-into")
    folder, frames, names = SortedFolder(root, copies=copies), Frames(job.question.every), folder_names(classes)
    used = set[str]()
    done = reporter.progress("sorting", len(predicted))
    for answer in read_answers(predicted.place, job.question):
        if answer.error:
            continue
        if others := [group for group in answer.groups if group not in names]:  # no class, such as "none of these"
            names = folder_names([*names, *others])
        used |= set(answer.groups)
        inside = [names[group] for group in answer.groups]
        if video_of(answer.path) is None:
            for name in inside:
                folder.place(Path(answer.path), name)
        elif frame := frames.find(answer.path):
            for name in inside:
                folder.place_frame(frame, answer.path, name)
        done(1)
    return SortedImages(root, folder.placed, folder.there, len(used), folder.copies)
