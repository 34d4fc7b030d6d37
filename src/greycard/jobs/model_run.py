"""A run with its model, which is loaded when it is first needed, and predictions of many images into files."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from greycard.backend import start
from greycard.runs.record import RunRecord

if TYPE_CHECKING:
    from greycard.deploy.classifier import Classifier
    from greycard.embeddings.embedder import Embedder
    from greycard.jobs.open_run import Run
    from greycard.jobs.predict_files import Outcome
    from greycard.models.model import Model


class ModelRun(RunRecord):
    """The part of `Run` that loads the model and writes predictions."""

    @cached_property
    def model(self) -> Any:
        """The trained Keras model; takes uint8 pixels at the recipe's size."""
        return self._trained.network

    @cached_property
    def _trained(self) -> Model:
        """The trained model and its parts."""
        start()
        from greycard.deploy.classifier import model_of

        return model_of(self)

    @cached_property
    def classifier(self) -> Classifier:
        """The model with calibrated probabilities, used by predictions, exports and the server."""
        start()
        from greycard.deploy.classifier import classifier_of

        return classifier_of(self, self._trained)

    @cached_property
    def _embedder(self) -> Embedder:
        """The model without its head."""
        start()
        from greycard.embeddings.embedder import run_embedder

        return run_embedder(self, self._trained)

    def predict_to(
        self,
        place: str | Path,
        images: str | Path | Iterable[str | Path],
        *,
        top: int = 1,
        every: float = 1.0,
        refuse: float | str | None = "default",
        unsure: float | None = None,
        sets: float | None = None,
        sort_into: str | Path | None = None,
        copies: bool = False,
        gallery: str | Path | None = None,
        quiet: bool = True,
    ) -> Outcome:
        """Predict many images into a file; the same call continues after a kill, and predicts no image twice.

        Args:
            place: a `.csv`, `.jsonl` or `.parquet` file: a new one, or one that an earlier call began.
            images: one or more paths: image files, folders, patterns, video files.
            top: the number of classes in each answer.
            every: seconds between two frames of a video.
            refuse: as for `predict`.
            unsure: mark predictions of less confidence for review, and refused images.
            sets: as for `predict`.
            sort_into: a folder, in which a folder for each answer gets links to the images.
            copies: True for copies in place of links.
            gallery: a folder for a page to look at the answers and to correct them.
            quiet: True to print nothing.

        Raises:
            GreycardError: a path is missing, the file was not made by this run with these options, or the run has no
                classes.
        """
        from greycard.deploy.answers.job import Question
        from greycard.deploy.inputs.images import find_images
        from greycard.jobs.predict_files import Destinations, predict_files
        from greycard.reports.progress import terminal_reporter

        words = [str(each) for each in ([images] if isinstance(images, str | Path) else images)]
        folders = [None if each is None else Path(each) for each in (sort_into, gallery)]
        asked = Question.asked(top, refuse, unsure, sets, every)
        to = Destinations(Path(place), folders[0], copies, folders[1])
        with terminal_reporter(quiet) as shown:
            return predict_files(cast("Run", self), words, find_images(words, every), to, asked, shown)
