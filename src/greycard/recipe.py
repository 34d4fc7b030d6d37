"""A recipe: everything that decides a run, frozen, validated where it is built, and the same after JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.fields import Check, OneOf, expect_good_values
from greycard.core.suggestions import did_you_mean
from greycard.core.values import plain
from greycard.pipeline.augmentation import Augmentation, augmentation_fields

LOSSES = ("binary_crossentropy", "sparse_categorical_crossentropy", "mean_squared_error")
OPTIMIZERS = ("adam", "rmsprop", "sgd")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is trained, on what, and how. Every field can be set with `--set field=value`.

    Attributes:
        name: the run's name; its folder is `OUT/NAME-N/`.
        dataset: the name of a dataset (`greycard fetch` lists them), or of a folder of images.
        image_size: height and width in pixels; one number for both; none for data without images.
        channels: 1 for grey, 3 for RGB.
        conv: filters of each 3×3 convolution, each followed by 2×2 max pooling.
        dense: units of each dense layer between the features and the output.
        feature_dropout: share of the features dropped before the dense layers.
        dropout: share dropped before the output layer.
        backbone: a `keras.applications` network, or the folder of an earlier run; frozen where it has weights.
        backbone_layer: the layer whose output is used; none for the last before the head.
        backbone_alpha: the width multiplier of the MobileNet family; none for the network's own default.
        augmented_copies: augmented copies of each image that a frozen backbone's features are computed of; the epochs
            take turns with them. Without augmentation there is one.
        pooling: how a feature map becomes a vector.
        loss: none chooses it by the number of classes.
        optimizer: the algorithm that changes the weights.
        learning_rate: the optimizer's step size.
        batch_size: training images per step.
        val_batch_size: validation images at once, or more where that is quicker; results do not depend on it.
        epochs: passes over the training images.
        augmentation: random changes of each training image in every epoch; its fields are set by their own names.
        target_accuracy: stop once an epoch reaches this accuracy.
        target_split: the images whose accuracy the target means.
        target_bound: whether the measured accuracy has to reach the target, or the lower end of its 95 % interval.
        patience: stop after so many epochs without a better validation loss; with keep=best, without a better loss or
            accuracy.
        minutes: stop before the epoch that would end later than this many minutes after the start of the run.
        keep: whose weights the finished run has: the last epoch's, or the best one's by validation accuracy.
        val_fraction: share that is split off for validation where the data has no validation set; none means a fifth. A
            run records the share that was used, and none where the data brings its own validation set.
        split_seed: seed of that split; runs with another `seed` keep the same split, so that they can be compared.
        group_duplicates: whether equal and nearly equal images stay on one side of that split; none means yes where the
            data is a folder or label file of one's own. A run records what was done.
        train_limit: use only so many training images, the same share of every class.
        val_limit: use only so many validation images, the same share of every class.
        precision: what training computes in: bfloat16, float32, or auto, which is bfloat16 where the hardware has it.
            Weights and outputs are float32 either way.
        seed: random seed of the initial weights, the order of images, dropout and augmentation.
    """

    name: str
    dataset: str
    image_size: tuple[int, int] | None = (150, 150)
    channels: int = 3
    conv: tuple[int, ...] = ()
    dense: tuple[int, ...] = ()
    feature_dropout: float = 0.0
    dropout: float = 0.0
    backbone: str | None = None
    backbone_layer: str | None = None
    backbone_alpha: float | None = None
    augmented_copies: int = 4
    pooling: str = "flatten"
    loss: str | None = None
    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 32
    val_batch_size: int = 32
    epochs: int = 10
    augmentation: Augmentation | None = None
    target_accuracy: float | None = None
    target_split: str = "validation"
    target_bound: str = "measured"
    patience: int | None = None
    minutes: float | None = None
    keep: str = "last"
    val_fraction: float | None = None
    split_seed: int = 0
    group_duplicates: bool | None = None
    train_limit: int | None = None
    val_limit: int | None = None
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        _settle_types(self)
        expect_good_values(self, CHECKS)
        _expect_consistent(self)

    @property
    def is_regression(self) -> bool:
        """Whether the target is a number (house prices) and not a class."""
        return self.loss == "mean_squared_error"

    @property
    def architecture(self) -> str:
        """A few words for the table, such as `CNN 64-64, dense 512`."""
        dense = "-".join(map(str, self.dense))
        if self.backbone:
            cut = f" to {self.backbone_layer}" if self.backbone_layer else ""
            return f"{self.backbone}{cut}" + (f", dense {dense}" if dense else ", linear head")
        if self.conv:
            return f"CNN {'-'.join(map(str, self.conv))}" + (f", dense {dense}" if dense else "")
        return f"DNN {dense}" if dense else "linear"

    def __repr__(self) -> str:
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"Recipe({self.name!r}, {self.architecture}, {epochs} on {self.dataset!r})"

    @property
    def digest(self) -> str:
        """The SHA-256 of the recipe as JSON with sorted keys: the same digest is the same recipe."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def matches_resolved(self, resolved: Recipe) -> bool:
        """Whether a run's recipe is this one, with what the data and the machine decide filled in."""
        open_fields = {name for name in ("loss", "val_fraction", "group_duplicates") if getattr(self, name) is None}
        open_fields |= {"precision"} if self.precision == "auto" else set()
        return self.replace(**{name: getattr(resolved, name) for name in open_fields}) == resolved

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some fields changed, validated again; augmentation's fields go by their own names."""
        own = {name: value for name, value in changes.items() if name not in augmentation_fields()}
        inner = {name: value for name, value in changes.items() if name in augmentation_fields()}
        _expect_known(own)
        base = own.get("augmentation", self.augmentation) or Augmentation()
        if inner and isinstance(base, Augmentation):
            own["augmentation"] = dataclasses.replace(base, **inner)
        return dataclasses.replace(self, **own)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; `Recipe.from_json` gives back an equal recipe."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote; GreycardError on a field it does not know or a value it cannot be."""
        _expect_known(fields)
        augmentation = fields.get("augmentation")
        if isinstance(augmentation, dict):
            known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in augmentation.items()}
            unknown = sorted(set(known) - set(augmentation_fields()))
            if unknown:
                raise unknown_field("augmentation has", unknown[0], augmentation_fields())
            fields = {**fields, "augmentation": Augmentation(**known)}
        try:
            return cls(**fields)
        except TypeError as error:
            raise GreycardError(
                f"the recipe is not complete: {error}", hint="it needs at least a name and a dataset"
            ) from error


def recipe_fields() -> tuple[str, ...]:
    """The names of a recipe's own fields, in order."""
    return tuple(field.name for field in dataclasses.fields(Recipe))


def unknown_field(what_has: str, name: str, known: Sequence[str] = ()) -> GreycardError:
    """The error for a field that is none, with those it may have meant."""
    known = known or (*recipe_fields(), *augmentation_fields())
    hint = did_you_mean(name, known, f"the fields are {', '.join(known)}")
    return GreycardError(f"{what_has} no field {name!r}", hint=hint)


def _expect_known(names: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(recipe_fields()))
    if unknown:
        raise unknown_field("a recipe has", unknown[0])


def _settle_types(recipe: Recipe) -> None:
    """JSON has lists where a recipe has tuples, Python has NumPy's numbers; one may stand for a list or a square."""
    for name in recipe_fields():
        object.__setattr__(recipe, name, plain(getattr(recipe, name)))
    for name in ("conv", "dense"):
        object.__setattr__(recipe, name, _as_tuple(getattr(recipe, name), 1))
    if recipe.image_size is not None:
        object.__setattr__(recipe, "image_size", _as_tuple(recipe.image_size, 2))
    for name in ("learning_rate", "dropout", "feature_dropout", "val_fraction", "minutes"):
        if _whole(0)(getattr(recipe, name)):
            object.__setattr__(recipe, name, float(getattr(recipe, name)))


def _expect_consistent(recipe: Recipe) -> None:
    """No field that would be ignored beside another."""
    if recipe.backbone and recipe.conv:
        raise GreycardError(
            f"conv and backbone exclude each other. Received: conv={recipe.conv}, backbone={recipe.backbone}",
            hint="--set conv=none, or --set backbone=none",
        )
    for name in ("backbone_layer", "backbone_alpha"):
        if getattr(recipe, name) is not None and recipe.backbone is None:
            raise GreycardError(
                f"{name} needs a backbone. Received: {getattr(recipe, name)!r} without one",
                hint="for example backbone=MobileNetV2",
            )


def _as_tuple(value: Any, repeat: int) -> Any:
    """A list as a tuple, one number `repeat` times, None as empty; anything else is left for the checks to refuse."""
    if _whole(0)(value):
        return (value,) * repeat
    return tuple(value) if isinstance(value, list) else () if value is None else value


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _optional(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _number(least: float, most: float) -> Callable[[Any], bool]:
    """Above `least`, up to `most`."""
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least < value <= most


def _all_positive(values: Any) -> bool:
    return isinstance(values, tuple) and all(_whole(1)(value) for value in values)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _fraction(value: Any) -> bool:
    return isinstance(value, float) and 0 <= value < 1


def _size(value: Any) -> bool:
    return value is None or (_all_positive(value) and len(value) == 2)


_COUNT = "a whole number from 1 on"
_SHARE = "a fraction from 0 to below 1"
_SEED = "a whole number from 0 to 4294967295"
CHECKS: tuple[Check, ...] = (
    ("name", _text, "a name", "pets"),
    ("dataset", _text, "a name", "mnist"),
    ("image_size", _size, "one or two whole numbers of pixels", "150,150"),
    ("channels", lambda v: _whole(1)(v) and v in (1, 3), "1 (grey) or 3 (RGB)", "3"),
    ("conv", _all_positive, "whole numbers from 1 on", "32,64"),
    ("dense", _all_positive, "whole numbers from 1 on", "512"),
    ("feature_dropout", _fraction, _SHARE, "0.2"),
    ("dropout", _fraction, _SHARE, "0.2"),
    ("backbone", _optional(_text), "a network's name or a run's folder", "MobileNetV2"),
    ("backbone_layer", _optional(_text), "a layer's name", "mixed7"),
    ("backbone_alpha", _optional(_number(0, 10)), "a factor above 0, up to 10", "0.5"),
    ("pooling", OneOf(("flatten", "average")), "flatten or average", "average"),
    ("loss", OneOf((None, *LOSSES)), f"one of {', '.join(LOSSES)}", "none"),
    ("optimizer", OneOf(OPTIMIZERS), f"one of {', '.join(OPTIMIZERS)}", "adam"),
    ("learning_rate", lambda v: isinstance(v, float) and 0 < v < math.inf, "a number above 0", "0.001"),
    ("batch_size", _whole(1), _COUNT, "32"),
    ("val_batch_size", _whole(1), _COUNT, "32"),
    ("epochs", _whole(1), _COUNT, "10"),
    ("augmented_copies", _whole(1), _COUNT, "4"),
    ("patience", _optional(_whole(1)), _COUNT, "3"),
    ("minutes", _optional(_number(0, math.inf)), "a number above 0, or none", "10"),
    ("keep", OneOf(("last", "best")), "last or best", "best"),
    ("train_limit", _optional(_whole(1)), _COUNT, "1000"),
    ("val_limit", _optional(_whole(1)), _COUNT, "1000"),
    ("augmentation", lambda v: v is None or isinstance(v, Augmentation), "none, or set by its own fields", "none"),
    ("target_accuracy", _optional(_number(0, 1)), "between 0 and 1", "0.99"),
    ("precision", OneOf(("auto", "float32", "bfloat16")), "auto, float32 or bfloat16", "auto"),
    ("target_split", OneOf(("validation", "training")), "validation or training", "validation"),
    ("target_bound", OneOf(("measured", "lower")), "measured or lower", "measured"),
    ("val_fraction", lambda v: v is None or (isinstance(v, float) and 0 < v < 1), "a fraction between 0 and 1", "0.2"),
    ("split_seed", lambda v: _whole(0)(v) and v < 2**32, _SEED, "0"),
    ("group_duplicates", lambda v: v is None or isinstance(v, bool), "true or false", "true"),
    ("seed", lambda v: _whole(0)(v) and v < 2**32, _SEED, "0"),
)
