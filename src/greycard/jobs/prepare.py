"""Everything that training needs, made before the run's folder is: a user's mistake leaves nothing behind."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard import backend
from greycard.backend.precision import auto_precision
from greycard.core.clock import Clock
from greycard.core.errors import GreycardError, GreycardWarning
from greycard.core.memory import available_bytes, used_bytes
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, LeftOut
from greycard.jobs.data import decoded_split
from greycard.models.build import build_model
from greycard.models.imagenet import network
from greycard.models.mixed_precision import trains_in
from greycard.models.model import Model
from greycard.models.pretrained import WeightsDoNotFitError, is_run
from greycard.models.saved import MODEL
from greycard.models.weights import find_weights
from greycard.pipeline.array_split import ArraySplit
from greycard.recipe import Recipe
from greycard.recipe.model import MlpConfig
from greycard.tasks.task import Task
from greycard.tasks.tasks import task_for
from greycard.training.memory import expected_need


@dataclass(frozen=True)
class Prepared:
    """A resolved recipe with its pixels and its compiled model, and the bound of the memory that training takes.

    `dataset` is what the pixels were decoded from, within the recipe's limits. `test` is measured once, at the end.
    """

    recipe: Recipe
    dataset: Dataset
    classes: tuple[str, ...]
    train: ArraySplit
    validation: ArraySplit
    left_out: tuple[LeftOut, ...]
    weights: Path | None
    model: Model
    expected_bytes: int
    test: ArraySplit | None = None

    @property
    def task(self) -> Task:
        return task_for(len(self.classes), self.recipe.data.task)


def prepare(recipe: Recipe, dataset: Dataset, weights: str | Path | None, reporter: Reporter, clock: Clock) -> Prepared:
    """Resolve the recipe, find the weights, decode the images and build the model, in this order.

    Raises:
        GreycardError: whatever of these a user can mend.
    """
    resolved = resolve(recipe, dataset)
    files = _weight_files(resolved, weights, reporter)
    limited = dataset.limited(resolved.data.train_limit, resolved.data.val_limit, resolved.data.split_seed)
    task = task_for(len(dataset.classes), resolved.data.task)
    _expect_limits(task, dataset, limited)
    with clock("decode"):
        train = decoded_split(resolved, limited.train, "training", reporter)
        validation = decoded_split(resolved, limited.validation, "validation", reporter)
        test = decoded_split(resolved, limited.test, "test", reporter) if limited.test else None
    left_out = dataset.left_out + train.left_out + validation.left_out + (test.left_out if test else ())
    _expect_every_class(task, limited, train, validation)
    _warn_left_out(left_out)
    model, used = _build(resolved, dataset, files, train)
    if recipe.training.precision == "auto":
        resolved = resolved.replace(precision=trains_in(model.network, resolved.training.precision))
    needed = _expect_memory(model, resolved, train, validation)
    return Prepared(resolved, limited, dataset.classes, train, validation, left_out, used, model, needed, test)


def resolve(recipe: Recipe, dataset: Dataset) -> Recipe:
    """The recipe with what the data decides filled in, and its backbone's name known to be one.

    Raises:
        GreycardError: a task that does not fit, an unknown network, a folder that is no finished run, or another
            value of `GREYCARD_PRECISION` than a precision.
    """
    _expect_kind(recipe, dataset)
    task = task_for(len(dataset.classes), recipe.data.task)
    precision = auto_precision() if recipe.training.precision == "auto" else recipe.training.precision
    resolved = recipe.replace(task=task.name, dataset=dataset.name, precision=precision)
    backbone = recipe.pretrained.backbone if recipe.pretrained else None
    if backbone is None or is_run(backbone):
        return resolved
    if Path(backbone).exists():
        raise GreycardError(
            f"backbone {backbone} is no finished run: it has no {MODEL}",
            hint="`greycard table` lists the runs; --backbone takes a finished one, or a network such as MobileNetV2",
        )
    network(backbone)
    return resolved


def _expect_kind(recipe: Recipe, dataset: Dataset) -> None:
    """Images have a size; numbers have none, and nothing that is meant for images."""
    plain = recipe.data.image_size is None and recipe.augmentation is None and isinstance(recipe.model, MlpConfig)
    if dataset.is_regression and not plain:
        raise GreycardError(
            f"{dataset.name} holds numbers: image_size and augmentation must be none, and the model an mlp."
            f" Received: {recipe.architecture}",
            hint="--set image_size=none --set augmentation=none --set model.kind=mlp",
        )
    if not dataset.is_regression and recipe.data.image_size is None:
        raise GreycardError("image_size must be set for images. Received: None", hint="--set image_size=150")


def _expect_limits(task: Task, dataset: Dataset, limited: Dataset) -> None:
    for field, whole, part in (
        ("train_limit", dataset.train, limited.train),
        ("val_limit", dataset.validation, limited.validation),
    ):
        lost = task.lost_labels(whole.labels, part.labels)
        if lost:
            raise GreycardError(
                f"{field}={len(part)} leaves no image of class {dataset.classes[lost[0]]!r};"
                f" expected at least {len(set(whole.labels))}, one for each class",
                hint=f"--set {field}={len(set(whole.labels))}, or more",
            )


def _weight_files(recipe: Recipe, weights: str | Path | None, reporter: Reporter) -> tuple[Path, ...]:
    model = recipe.pretrained
    if model is None or is_run(model.backbone):
        return ()
    progress = reporter.downloading(f"{model.backbone} weights")
    return tuple(find_weights(network(model.backbone), model.backbone_layer, weights, progress))


def _build(recipe: Recipe, dataset: Dataset, files: Sequence[Path], train: ArraySplit) -> tuple[Model, Path | None]:
    """The model with the first weights that fit, and which these are."""
    features = 0 if recipe.data.image_size else train.images.shape[1]
    for position, file in enumerate(files or [None]):
        backend.seed_everything(recipe.training.seed)
        try:
            return build_model(recipe, len(dataset.classes), file, features=features), file
        except WeightsDoNotFitError:
            if position == len(files) - 1:
                raise
    raise AssertionError("unreachable: there is always a candidate")


def _expect_memory(model: Model, recipe: Recipe, train: ArraySplit, validation: ArraySplit) -> int:
    """The bound of what the process will hold; what a GPU's own memory is for is not asked of the machine's."""
    need, room = expected_need(model, recipe, train, validation), available_bytes()
    what, free = f"training in batches of {recipe.training.batch_size}", f"{room / 1e9:,.1f} GB are free"
    hint = "smaller batches (--set batch_size=…) or images (--set image_size=…), or close other programs"
    on_cpu = backend.describe()["device"] == "CPU"
    if on_cpu and need.least > room:
        raise GreycardError(f"{what} needs at least {need.least / 1e9:,.1f} GB of memory; {free}", hint=hint)
    if on_cpu and need.most > room:
        told = f"{what} may need up to {need.most / 1e9:,.1f} GB of memory, and {free}: {hint}"
        warnings.warn(told, GreycardWarning, stacklevel=5)
    return used_bytes() + need.most


def _expect_every_class(task: Task, dataset: Dataset, train: ArraySplit, validation: ArraySplit) -> None:
    """A file can turn out unreadable as late as here, and with the last one of a class the class is empty."""
    for what, split, pixels in (("training", dataset.train, train), ("validation", dataset.validation, validation)):
        lost = task.lost_labels(split.labels, pixels.labels)
        if lost:
            first = pixels.left_out[0]
            raise GreycardError(
                f"class {dataset.classes[lost[0]]!r} has no readable {what} image left; {len(pixels.left_out)} files"
                f" could not be decoded, such as {first.id} ({first.reason})",
                hint="replace the damaged files",
            )


def _warn_left_out(left_out: Sequence[LeftOut]) -> None:
    if not left_out:
        return
    named = "; ".join(f"{item.id} ({item.reason})" for item in left_out[:5])
    more = f"; and {len(left_out) - 5} more, all in the run's summary.json" if len(left_out) > 5 else ""
    files = "file is" if len(left_out) == 1 else "files are"
    warnings.warn(f"{len(left_out)} {files} unreadable and left out: {named}{more}", GreycardWarning, stacklevel=4)
