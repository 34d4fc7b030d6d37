"""A run on disk, and its model put to use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from greycard.backend import start
from greycard.core.errors import GreycardError
from greycard.evaluation.diagnosis.evidence import Verdict
from greycard.evaluation.scores import Scores
from greycard.reports.table import make_table
from greycard.runs.evidence import verdicts
from greycard.runs.record import RunRecord
from greycard.runs.scores import scores_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from greycard.datasets.dataset import Dataset
    from greycard.datasets.source import Source
    from greycard.deploy.classifier import Classifier
    from greycard.deploy.export.export import Exported
    from greycard.deploy.predict import Prediction
    from greycard.deploy.sources import ImageLike
    from greycard.jobs.explain import Explanation
    from greycard.models.model import Model


class Run(RunRecord):
    """A run on disk, and its model put to use."""

    @cached_property
    def model(self) -> Any:
        """The trained Keras model; takes uint8 pixels at the recipe's size."""
        return self._trained.network

    @cached_property
    def _trained(self) -> Model:
        """The trained model with its parts."""
        start()
        from greycard.deploy.classifier import model_of

        return model_of(self)

    @cached_property
    def classifier(self) -> Classifier:
        """What answers in predictions, exports and the server: the model with its probabilities calibrated."""
        start()
        from greycard.deploy.classifier import classifier_of

        return classifier_of(self, self._trained)

    @cached_property
    def scores(self) -> Scores:
        """Each class's precision, recall, F1 and support, the confusion matrix, log loss, calibration, ROC AUC."""
        return scores_of(self)

    def diagnose(self) -> list[Verdict]:
        """What is wrong with it, what is expected to help most first."""
        return verdicts(self)

    def report(self) -> str:
        """The run as one self-contained HTML page."""
        from greycard.reports.page import report_page

        return report_page([self])

    def card(self) -> str:
        """Its model card in Markdown."""
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
            label: the class to explain; the answered one by default.

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

    def predict(self, images: ImageLike | Iterable[ImageLike]) -> list[Prediction]:
        """What the model says of each image.

        Args:
            images: one, or several: paths, file contents, files opened with `rb`, Pillow images, uint8 arrays
                (height, width[, 1, 3 or 4]), or one uint8 array (n, height, width, 1, 3 or 4).

        Raises:
            GreycardError: an image cannot be read, or the run is a regression (`predict_numbers` is its own).
        """
        found = list(self.predict_each(images))
        bad = [prediction for prediction in found if prediction.error]
        if bad:
            raise GreycardError(
                f"{len(bad)} of {len(found)} images cannot be read: {bad[0].source}: {bad[0].error}",
                hint="`predict_each` answers for the others and says which",
            )
        return found

    def predict_each(self, images: ImageLike | Iterable[ImageLike]) -> Iterator[Prediction]:
        """As `predict`, one by one as they come, an unreadable image's with its `error` set."""
        start()
        from greycard.deploy.predict import predict_images
        from greycard.deploy.sources import several

        return predict_images(self.classifier, several(images))

    def predict_numbers(self, numbers: float | Iterable[float]) -> list[float]:
        """The predictions of a regression, one for each number.

        Raises:
            GreycardError: an input is not a number, or the run has classes.
        """
        start()
        from greycard.deploy.predict import predict_numbers

        if self.task.has_classes:
            raise GreycardError(f"{self.path} answers with classes, not numbers", hint="use run.predict(paths)")
        return predict_numbers(self.model, numbers)

    def export(
        self,
        form: str,
        place: str | Path | None = None,
        *,
        data: str | Path | Dataset | Source | None = None,
        data_dir: str | Path | None = None,
        quiet: bool = True,
    ) -> Exported:
        """The model as a file for elsewhere, checked on the run's own validation images.

        Args:
            form: `keras`, `saved-model`, `litert`, `litert-int8` or `onnx`.
            place: where to; by default in the run's `export/` folder.
            data: what it was trained on, where it is not there any more or was made in Python: anything that
                `open_dataset` takes.
            data_dir: the folder of named datasets; by default `GREYCARD_DATA` or the user's data folder.
            quiet: show nothing.

        Raises:
            GreycardError: the images are not there, or the export answers otherwise than the original.
        """
        from greycard.reports.progress import terminal_reporter

        self.expect_finished()
        with terminal_reporter(quiet) as shown:
            with shown.status("starting Keras"):
                classifier = self.classifier
            from greycard.jobs.export import export_run

            return export_run(self, classifier, form, place=place, data=data, data_dir=data_dir, reporter=shown)

    def _repr_html_(self) -> str:
        return make_table([self]).html()

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"
