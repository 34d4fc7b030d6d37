"""Prepare everything that training needs before the run's folder is created, so a user's mistake leaves no files."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from greycard import backend
from greycard.core.clock import Clock
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.memory import available_bytes, used_bytes
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.models.backbone import WeightsDoNotFitError
from greycard.models.build import BuildNetwork, build_model
from greycard.models.imagenet import network
from greycard.models.mixed_precision import trains_in
from greycard.models.model import Model, Weights
from greycard.models.pretrained import is_run
from greycard.models.views import views_of, with_views
from greycard.models.weights import find_weights
from greycard.pipeline.array_split import ArraySplit
from greycard.pipeline.loader import Loader, prediction_batch
from greycard.recipe import Recipe
from greycard.recipe.model import PretrainedConfig
from greycard.tasks.task import Task
from greycard.tasks.tasks import task_of
from greycard.training.decode import decoded_split
from greycard.training.memory import expected_need
from greycard.training.parts import expect_parts
from greycard.training.resolve import resolve, within_limits
from greycard.training.setup import Loaders, Saved, SplitArrays, TrainSetup
from greycard.training.targets import expect_pixels_for_cutmix, soft_targets


def prepare(
    recipe: Recipe,
    dataset: Dataset,
    weights: str | Path | None,
    reporter: Reporter,
    clock: Clock,
    build: BuildNetwork | None = None,
) -> TrainSetup:
    """Resolve the recipe, find the weights, decode the images and build the model, in this order.

    Args:
        recipe: what to train, and how.
        dataset: what to train on.
        weights: of a backbone, as for `find_weights`.
        reporter: shows progress.
        clock: measures the parts of the time.
        build: builds the user's own model.

    Raises:
        GreycardError: a mistake that the user can correct; nothing has been written yet.
    """
    resolved = resolve(recipe, dataset)
    files = _weight_files(resolved, weights, reporter)
    task = task_of(dataset, resolved.data.task)
    limited = within_limits(resolved, task, dataset)
    with clock("decode"):
        arrays = _decoded(resolved, limited, reporter)
    task = _fitted(task, resolved, limited, arrays)
    left_out = _left_out(dataset, arrays)
    model, used = _build(resolved, task, files, arrays.train, build)
    if recipe.training.precision == "auto":
        resolved = resolved.replace(precision=trains_in(model.network, resolved.training.precision))
    return TrainSetup(
        recipe=resolved,
        dataset=limited,
        task=task,
        arrays=arrays,
        left_out=left_out,
        weights=used,
        model=model,
        expected_bytes=_expect_memory(model, resolved, arrays),
        network=model.network,
        loaders=_image_loaders(resolved, arrays, task),
        saved=_saved(model, resolved, arrays),
    )


def _saved(model: Model, recipe: Recipe, arrays: SplitArrays) -> Saved:
    views = views_of(recipe.prediction)
    saved = with_views(model, views)
    loaders = (
        Loader(split, max(1, prediction_batch(split, recipe.training.val_batch_size) // len(views)))
        for split in (arrays.validation, arrays.train)
    )
    return Saved(saved, saved.network, *loaders)


def _image_loaders(recipe: Recipe, arrays: SplitArrays, task: Task) -> Loaders:
    training = recipe.training
    train = Loader(
        arrays.train,
        training.batch_size,
        shuffle=True,
        seed=training.seed,
        augmentation=recipe.augmentation,
        targets=soft_targets(recipe, arrays.train.labels, task.classes),
        balanced=recipe.loss.balance == "sampling",
    )
    batch = prediction_batch(arrays.validation, training.val_batch_size)
    return Loaders(train, Loader(arrays.validation, batch))


def _decoded(recipe: Recipe, dataset: Dataset, reporter: Reporter) -> SplitArrays:
    return SplitArrays(
        decoded_split(recipe, dataset.train, "training", reporter),
        decoded_split(recipe, dataset.validation, "validation", reporter),
        decoded_split(recipe, dataset.test, "test", reporter) if dataset.test else None,
    )


def _weight_files(recipe: Recipe, weights: str | Path | None, reporter: Reporter) -> list[Weights]:
    """The files of all backbones, one file of each, in the order to try them."""
    return list(product(*(_files_of(each, weights, reporter) for each in recipe.backbones)))


def _files_of(backbone: PretrainedConfig, weights: str | Path | None, reporter: Reporter) -> Sequence[Path | None]:
    if is_run(backbone.backbone):
        return [None]
    progress = reporter.downloading(f"{backbone.backbone} weights")
    return find_weights(network(backbone.backbone), backbone.backbone_layer, weights, progress) or [None]


def _build(
    recipe: Recipe, task: Task, files: Sequence[Weights], train: ArraySplit, build: BuildNetwork | None
) -> tuple[Model, Weights]:
    """The model with the first weights that fit, and their files."""
    features = 0 if recipe.data.image_size else train.images.shape[1]
    steps = recipe.training.steps(len(train))
    for position, each in enumerate(files):
        backend.seed_everything(recipe.training.seed)
        try:
            model = build_model(
                recipe, task.classes, each, features=features, build=build, steps=steps, target=task.target
            )
        except WeightsDoNotFitError:
            if position == len(files) - 1:
                raise
        else:
            expect_pixels_for_cutmix(recipe, model)
            expect_parts(recipe, model)
            return model, each
    raise AssertionError("unreachable: there is always a candidate")


def _expect_memory(model: Model, recipe: Recipe, arrays: SplitArrays) -> int:
    """Upper bound of the process's memory in bytes. There is no check on a GPU: batches use its own memory."""
    need, room = expected_need(model, recipe, arrays.train, arrays.validation), available_bytes()
    what, free = f"training in batches of {recipe.training.batch_size}", f"{room / 1e9:,.1f} GB are free"
    hint = "use smaller batches (--set batch_size=…) or images (--set image_size=…), or close other programs"
    on_cpu = backend.describe()["device"] == "CPU"
    if on_cpu and need.least > room:
        raise GreycardError(f"{what} needs at least {need.least / 1e9:,.1f} GB of memory; {free}", hint=hint)
    if on_cpu and need.most > room:
        message = f"{what} may need up to {need.most / 1e9:,.1f} GB of memory, and {free}: {hint}"
        warnings.warn(message, GreycardWarning, stacklevel=5)
    return used_bytes() + need.most


def _expect_every_class(task: Task, dataset: Dataset, arrays: SplitArrays) -> None:
    """Raise a GreycardError if decoding found so many unreadable files that a class is now empty."""
    for what, split, pixels in (
        ("training", dataset.train, arrays.train),
        ("validation", dataset.validation, arrays.validation),
    ):
        lost = task.lost_labels(split.labels, pixels.labels)
        if lost:
            first = pixels.left_out[0]
            raise GreycardError(
                f"class {dataset.classes[lost[0]]!r} has no readable {what} image left; {len(pixels.left_out)} files"
                f" could not be decoded, such as {first.id} ({first.reason})",
                hint="replace the damaged files",
            )


def _fitted(task: Task, recipe: Recipe, dataset: Dataset, arrays: SplitArrays) -> Task:
    """The task for the images that could be decoded.

    Raises:
        GreycardError: a class has no image left, or all numbers are the same.
    """
    _expect_every_class(task, dataset, arrays)
    return task.fitted(arrays.train.labels) if recipe.data.has_images else task


def _left_out(dataset: Dataset, arrays: SplitArrays) -> tuple[LeftOut, ...]:
    """The files that could not be used, with a warning."""
    left_out = dataset.left_out + tuple(item for split in arrays for item in split.left_out)
    if left_out:
        _warn_left_out(left_out)
    return left_out


def _warn_left_out(left_out: Sequence[LeftOut]) -> None:
    named = "; ".join(f"{item.id} ({item.reason})" for item in left_out[:5])
    more = f"; and {len(left_out) - 5} more, all in the run's summary.json" if len(left_out) > 5 else ""
    files = "file is" if len(left_out) == 1 else "files are"
    warnings.warn(f"{len(left_out)} {files} unreadable and left out: {named}{more}", GreycardWarning, stacklevel=5)
