"""Resolve a recipe: fill in the fields that depend on the data and the machine, and check that the recipe fits."""

from __future__ import annotations

from pathlib import Path

from greycard.backend.precision import auto_precision
from greycard.core.errors import GreycardError
from greycard.datasets.dataset import Dataset
from greycard.models.imagenet import network
from greycard.models.pretrained import is_run
from greycard.models.saved import MODEL
from greycard.recipe import Recipe
from greycard.recipe.model import MlpConfig, ProbeConfig
from greycard.recipe.prediction import PredictionConfig
from greycard.recipe.unread import expect_read_settings
from greycard.tasks.task import Task
from greycard.tasks.tasks import task_of
from greycard.training.targets import expect_classes


def resolve(recipe: Recipe, dataset: Dataset) -> Recipe:
    """Fill in the task, the dataset's name and the precision, and check the backbones. A probe has one epoch, its fit.

    Raises:
        GreycardError: the task does not fit, the network is unknown, the backbone's folder is not a finished run, or
            `GREYCARD_PRECISION` has an invalid value.
    """
    _expect_kind(recipe, dataset)
    task = task_of(dataset, recipe.data.task)
    expect_classes(recipe, task, dataset.name)
    precision = auto_precision(recipe.model.kind) if recipe.training.precision == "auto" else recipe.training.precision
    resolved = recipe.replace(task=task.name, dataset=dataset.name, precision=precision)
    for each in recipe.backbones:
        _expect_backbone(each.backbone)
    expect_read_settings(recipe)
    if not isinstance(recipe.model, ProbeConfig):
        return resolved
    return resolved if recipe.model.fine_tune else resolved.replace(epochs=1)


def _expect_backbone(backbone: str) -> None:
    if is_run(backbone):
        return
    if Path(backbone).exists():
        raise GreycardError(
            f"backbone {backbone} is not a finished run: it has no {MODEL}",
            hint="name a finished run (`greycard table` lists them), or a network such as EfficientNetLite0",
        )
    network(backbone)


def _expect_kind(recipe: Recipe, dataset: Dataset) -> None:
    """Raise a GreycardError if the recipe is for images and the data has numbers as inputs, or the other way round."""
    plain = recipe.data.image_size is None and recipe.augmentation is None and isinstance(recipe.model, MlpConfig)
    if not dataset.has_images and not plain:
        raise GreycardError(
            f"{dataset.name} has numbers: image_size and augmentation must be none, and the model an mlp."
            f" Received: {recipe.architecture}",
            hint="--set image_size=none --set augmentation=none --set model.kind=mlp",
        )
    if not dataset.has_images and recipe.prediction != PredictionConfig():
        views, part = recipe.prediction.views, recipe.prediction.center_crop
        raise GreycardError(
            f"{dataset.name} has numbers, which have no views. Received: views={views or 'none'}, center_crop={part:g}",
            hint="--set views=none --set center_crop=1",
        )
    if dataset.has_images and recipe.data.image_size is None:
        raise GreycardError("image_size must be set for images. Received: None", hint="--set image_size=150")


def within_limits(recipe: Recipe, task: Task, dataset: Dataset) -> Dataset:
    """The dataset reduced to `train_limit` and `val_limit`.

    Raises:
        GreycardError: a limit leaves no image of a class.
    """
    limited = dataset.limited(recipe.data.train_limit, recipe.data.val_limit, recipe.data.split_seed)
    for field, whole, part in (
        ("train_limit", dataset.train, limited.train),
        ("val_limit", dataset.validation, limited.validation),
    ):
        lost = task.lost_labels(whole.labels, part.labels)
        if lost:
            needed = len(task.lost_labels(whole.labels, whole.labels[:0]))
            raise GreycardError(
                f"{field}={len(part)} leaves no image of class {dataset.classes[lost[0]]!r};"
                f" expected at least {needed}, one for each class",
                hint=f"--set {field}={needed}, or more",
            )
    return limited
