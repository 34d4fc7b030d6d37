"""A run on disk, with its model: predict, explain, export, report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from greycard.backend import start
from greycard.core.errors import GreycardError
from greycard.evaluation.diagnosis.evidence import Verdict
from greycard.evaluation.scores import Scores
from greycard.jobs.model_run import ModelRun
from greycard.reports.table import make_table
from greycard.runs.evidence import verdicts
from greycard.runs.measurements import Measurement, measurements_of
from greycard.runs.scores import scores_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from greycard.datasets.dataset import Dataset
    from greycard.datasets.source import Source
    from greycard.deploy.export.export import Exported
    from greycard.deploy.predict import Prediction
    from greycard.deploy.sources import ImageLike
    from greycard.embeddings.nearest import Neighbour
    from greycard.jobs.explain import Explanation
    from greycard.runs.image_map import ImageMap


class Run(ModelRun):
    """A run on disk, with its model: predict, explain, export, report."""

    @cached_property
    def scores(self) -> Scores:
        """Each class's precision, recall, F1 and support, the confusion matrix, log loss, calibration, ROC AUC."""
        return scores_of(self)

    def diagnose(self) -> list[Verdict]:
        """What is wrong with the run; the advice that should help most comes first."""
        return verdicts(self)

    def report(self) -> str:
        """The run as one self-contained HTML page."""
        from greycard.reports.page import report_page

        return report_page([self])

    def card(self) -> str:
        """The model card of the run in Markdown."""
        from greycard.reports.card import model_card

        return model_card(self)

    def curves(self) -> Figure:
        """Accuracy and loss by epoch, a Matplotlib figure."""
        from greycard.reports.figures import learning_curves

        return learning_curves({self.name: self.history})

    def confusion(self) -> Figure:
        """The confusion matrix of the validation images, a Matplotlib figure."""
        from greycard.reports.figures import confusion

        return confusion(self.scores.confusion, self.classes)

    def explain(self, image: ImageLike, label: str | None = None) -> Explanation:
        """What the model sees in an image: heat map, occlusion map, feature maps.

        Args:
            image: as for `predict`.
            label: the class to explain; by default the predicted one.

        Raises:
            GreycardError: the image cannot be read, or there is no such class.
        """
        start()
        from greycard.jobs.explain import explain_image

        return explain_image(self._trained, self, image, label)

    def filters(self) -> np.ndarray | None:
        """The first convolution's kernels, float32 (height, width, channels, filters); None if there is none."""
        start()
        from greycard.explain.feature_maps import first_filters

        return first_filters(self._trained)

    def predict(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        refuse: float | str | None = "default",
        sets: float | None = None,
    ) -> list[Prediction]:
        """Predict the class of each image, or that it belongs to none of them; or the number of each image.

        Args:
            images: one or more: paths, file contents, files opened with `rb`, Pillow images, uint8 arrays
                (height, width[, 1, 3 or 4]), or one uint8 array (n, height, width, 1, 3 or 4).
            refuse: at most this share of the classes' own images is refused, such as 0.05; `default` for the smallest
                of 5, 10 and 20 % that the run can promise; None to refuse no image.
            sets: the share of prediction sets (`one_of`) that have the right class, such as 0.95; None for no sets.

        Raises:
            GreycardError: an image cannot be read, the run takes numbers (use `predict_numbers`), or it has too few
                images to promise the share.
        """
        found = list(self.predict_each(images, refuse=refuse, sets=sets))
        bad = [prediction for prediction in found if prediction.error]
        if bad:
            raise GreycardError(
                f"{len(bad)} of {len(found)} images cannot be read: {bad[0].source}: {bad[0].error}",
                hint="`predict_each` predicts the others and reports each error",
            )
        return found

    def predict_each(
        self,
        images: ImageLike | Iterable[ImageLike],
        *,
        refuse: float | str | None = "default",
        sets: float | None = None,
    ) -> Iterator[Prediction]:
        """As `predict`, but one image at a time; the prediction of an unreadable image has its `error` set."""
        start()
        from greycard.deploy.predict import predict_images
        from greycard.deploy.rules import rules_of
        from greycard.deploy.sources import several

        rules = rules_of(self, refuse, sets)
        return predict_images(self.classifier, several(images), rules)

    def predict_numbers(self, numbers: float | Iterable[float]) -> list[float]:
        """The predictions of a regression on numbers, one for each number.

        Raises:
            GreycardError: an input is not a number, or the run takes images.
        """
        start()
        from greycard.deploy.predict import predict_numbers

        if self.recipe.data.has_images:
            raise GreycardError(f"{self.path} takes images, not numbers", hint="use run.predict(paths)")
        return predict_numbers(self.model, numbers)

    def test(
        self, data: str | Path | Dataset | Source, *, data_dir: str | Path | None = None, quiet: bool = True
    ) -> Measurement:
        """Measure the model on your own test images; the measurement is also saved in the run.

        Args:
            data: anything that `open_dataset` takes, with the class names of the run. All of its images are used.
            data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
            quiet: True to print nothing.

        Raises:
            GreycardError: the data cannot be opened, a class is unknown, or the run is unfinished or a regression.
        """
        from greycard.jobs.test import expect_testable, measure_run
        from greycard.reports.progress import terminal_reporter

        expect_testable(self)
        with terminal_reporter(quiet) as shown:
            return measure_run(self, lambda: self.classifier, data, data_dir, shown)

    @property
    def measurements(self) -> list[Measurement]:
        """The measurements on your own test images, in order."""
        return measurements_of(self)

    def export(
        self,
        form: str,
        place: str | Path | None = None,
        *,
        data: str | Path | Dataset | Source | None = None,
        data_dir: str | Path | None = None,
        refuse: float | str | None = "default",
        quiet: bool = True,
    ) -> Exported:
        """Export the model to another format, and check the file on the run's validation images.

        Args:
            form: `keras`, `saved-model`, `litert`, `litert-int8`, `onnx`, `openvino` or `html`.
            place: the path to write to; by default in the run's `export/` folder.
            data: the run's dataset, if it has moved or was made in Python: anything that `open_dataset` takes.
            data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
            refuse: at most this share of own images is refused, as for `predict`.
            quiet: True to print nothing.

        Raises:
            GreycardError: images are missing, or the exported model's outputs differ from those of the original.
        """
        from greycard.reports.progress import terminal_reporter

        self.expect_finished()
        with terminal_reporter(quiet) as shown:
            with shown.status("starting Keras"):
                classifier = self.classifier
            from greycard.jobs.export import export_run

            return export_run(
                self, classifier, form, place=place, data=data, data_dir=data_dir, refuse=refuse, reporter=shown
            )

    def embed(self, images: ImageLike | Iterable[ImageLike]) -> np.ndarray:
        """The feature vector of each image, float32 (n, features).

        Args:
            images: as for `predict`. For the images of a folder use `greycard.embed`, which writes a file.

        Raises:
            GreycardError: an image cannot be read, or the run takes numbers.
        """
        from greycard.deploy.sources import several
        from greycard.jobs.similar import query_vectors

        return query_vectors(self._embedder, list(several(images)))

    def similar(
        self,
        image: ImageLike,
        where: str | Path | Dataset | Source,
        count: int = 10,
        *,
        data_dir: str | Path | None = None,
        quiet: bool = True,
    ) -> list[Neighbour]:
        """The images that are nearest to an image, by the cosine similarity of their feature vectors.

        Args:
            image: as for `predict`.
            where: a folder or dataset, also without labels; or a file that `greycard.embed` wrote with this run, or a
                folder of parts, here or in remote storage, that `greycard.embed_shards` wrote.
            count: number of images.
            data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
            quiet: True to print nothing.

        Raises:
            GreycardError: an image cannot be read, or the vectors in the file are of another network.
        """
        from greycard.jobs.similar import find_similar
        from greycard.reports.progress import terminal_reporter

        with terminal_reporter(quiet) as shown:
            found = find_similar(
                lambda: self._embedder, self.path, [image], where, count, data_dir=data_dir, reporter=shown
            )
        return list(found.similar[0].neighbours)

    def map(
        self,
        *,
        data: str | Path | Dataset | Source | None = None,
        data_dir: str | Path | None = None,
        quiet: bool = True,
    ) -> ImageMap:
        """Make a map of the validation images by their feature vectors; it is kept in the run, and reports show it.

        Args:
            data: the run's dataset, if it has moved or was made in Python: anything that `open_dataset` takes.
            data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
            quiet: True to print nothing.

        Raises:
            GreycardError: images are missing, or the run is unfinished or has no classes of images.
        """
        from greycard.jobs.map import expect_map, make_map
        from greycard.reports.progress import terminal_reporter

        expect_map(self)
        with terminal_reporter(quiet) as shown:
            with shown.status("starting Keras"):
                embedder = self._embedder
            return make_map(self, embedder, data=data, data_dir=data_dir, reporter=shown)

    def _repr_html_(self) -> str:
        return make_table([self]).html()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"
