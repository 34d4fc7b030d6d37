"""Explain one image: the model's prediction, heat maps, and the feature maps of its layers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from greycard.core.errors import GreycardError, command
from greycard.core.suggestions import did_you_mean
from greycard.datasets.images import UnreadableImageError
from greycard.deploy.classifier import Classifier, classifier_of
from greycard.deploy.sources import ImageLike, name_of
from greycard.explain.feature_maps import feature_maps
from greycard.explain.gradcam import grad_cam
from greycard.explain.occlusion import occlusion
from greycard.models.model import Model
from greycard.runs.record import RunRecord
from greycard.tasks.target import Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explanation:
    """The explanation of one image.

    Attributes:
        image: the model's input, uint8 (height, width, channels).
        probabilities: the calibrated probability of each class, by name; empty for a number.
        label: the explained class; "" for a number.
        heat: Grad-CAM, float32 (height, width): the loss of probability without the features there; None for a
            model without convolutions.
        occlusion: the probability that covering each place takes away, float32 (height, width).
        value: the predicted number of a regression. Its maps are in standard deviations of the training numbers.
        target: the training numbers of a regression.
        maps: the feature maps of each convolution and pooling layer, float32 (rows, columns, filters).
    """

    image: np.ndarray
    probabilities: dict[str, float]
    label: str
    heat: np.ndarray | None
    occlusion: np.ndarray
    maps: dict[str, np.ndarray]
    value: float | None = None
    target: Target | None = None

    def __repr__(self) -> str:
        if self.value is not None:
            return f"Explanation({self.value:.6g})"
        return f"Explanation({self.label!r}, {self.probabilities[self.label]:.1%})"

    def figure(self) -> Figure:
        """The image with its heat map and occlusion map, a Matplotlib figure."""
        from greycard.reports.explanation import heat_figure
        from greycard.reports.number_explanation import number_heat_figure

        if self.value is not None and self.target is not None:
            return number_heat_figure(self.image, self.heat, self.occlusion, self.value, self.target)
        return heat_figure(self.image, self.heat, self.occlusion, self.label, self.probabilities)

    def maps_figure(self) -> Figure:
        """A row of maps for each layer, a Matplotlib figure."""
        from greycard.reports.explanation import maps_figure

        return maps_figure(self.maps)

    def _repr_png_(self) -> bytes:
        from greycard.reports.drawing import as_png

        return as_png(self.figure())


def explain_image(model: Model, run: RunRecord, image: ImageLike, label: str | None) -> Explanation:
    """Explain the predicted class of an image, or the class `label`; or the predicted number.

    Raises:
        GreycardError: the run takes no images, the image cannot be read, or there is no such class.
    """
    if not run.recipe.data.has_images:
        raise GreycardError(
            f"{run.path} takes numbers; only a model of images can be explained",
            hint=f"`{command('show', run.path)}` shows its results",
        )
    classifier = classifier_of(run, model)
    pixels = _pixels(image, classifier)
    if run.target is not None:
        return _explained_number(model, run, classifier, pixels, run.target, label)
    row = classifier.at_once(pixels[None])[0]
    chosen, middle = _class_number(run, label, int(run.task.likeliest(row))), run.recipe.prediction.center_crop
    return Explanation(
        pixels,
        dict(zip(run.classes, map(float, row), strict=True)),
        run.classes[chosen],
        grad_cam(model, run.task, pixels, chosen, run.temperature, middle) if model.feature_layer else None,
        occlusion(classifier.at_once, pixels, chosen),
        feature_maps(model, pixels),
    )


def _explained_number(
    model: Model, run: RunRecord, classifier: Classifier, pixels: np.ndarray, target: Target, label: str | None
) -> Explanation:
    """What raises and lowers the number, in standard deviations of the training numbers."""
    if label is not None:
        raise GreycardError(f"{run.name} predicts a number and has no class {label!r}", hint="leave out --label")
    task, middle = run.task, run.recipe.prediction.center_crop
    return Explanation(
        pixels,
        {},
        "",
        grad_cam(model, task, pixels, 0, part=middle) if model.feature_layer else None,
        occlusion(lambda images: task.standardised(classifier.at_once(images)), pixels, 0),
        feature_maps(model, pixels),
        float(task.decide(classifier.at_once(pixels[None])[0])),
        target,
    )


def _pixels(image: ImageLike, classifier: Classifier) -> np.ndarray:
    try:
        return classifier.decode(image)
    except UnreadableImageError as error:
        name = name_of(image, "the image")
        if os.path.isdir(name):
            why = f"{name} is a folder; expected an image"
            raise GreycardError(why, hint=f"name the images in it, such as {name}/*.jpg") from error
        raise GreycardError(f"{name} cannot be read: {error}", hint="check that another program can open it") from error


def _class_number(run: RunRecord, label: str | None, predicted: int) -> int:
    if label is None:
        return predicted
    if label not in run.classes:
        hint = did_you_mean(label, run.classes, f"its classes are {', '.join(run.classes)}")
        raise GreycardError(f"{run.name} has no class {label!r}", hint=hint)
    return run.classes.index(label)
