"""A recipe: all settings of a run; frozen, checked when created, and equal after a round trip to JSON or YAML."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from greycard.core.errors import GreycardError
from greycard.core.fields import expect_good_values
from greycard.core.values import plain
from greycard.pipeline.augmentation import Augmentation
from greycard.recipe.config import Config, changed, from_json, given_in, text, to_json, values_of
from greycard.recipe.data import DataConfig
from greycard.recipe.families import change_model, make_model
from greycard.recipe.loss import LossConfig
from greycard.recipe.mixing import MixingConfig
from greycard.recipe.model import MlpConfig, ModelConfig, PretrainedConfig, ProbeConfig
from greycard.recipe.names import PARTS, addressed, fields_by_part, part_fields, short_name, unknown_field
from greycard.recipe.optimizer import OptimizerConfig
from greycard.recipe.prediction import PredictionConfig
from greycard.recipe.schedule import ScheduleConfig
from greycard.recipe.stopping import StoppingConfig
from greycard.recipe.training import TrainingConfig

NAME_CHECK = ("name", text, "a name", "pets")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a run. `Recipe.make` makes one from single fields.

    Attributes:
        name: the run's name; its folder is `OUT/NAME-N/`.
        data: the dataset, the size of its images, and its split.
        model: the model's family and layers.
        augmentation: random changes of each training image in every epoch; none for no changes.
        mixing: training images that are made of two images.
        loss: label smoothing, and the balance of classes of different sizes.
        optimizer: the algorithm and its learning rate.
        schedule: how the learning rate changes from step to step.
        training: batches, epochs, precision and seed.
        stopping: when training ends before its last epoch, and which weights are kept.
        prediction: the versions of an image whose predictions the saved model averages.
    """

    name: str
    data: DataConfig
    model: ModelConfig = field(default_factory=MlpConfig)
    augmentation: Augmentation | None = None
    mixing: MixingConfig = field(default_factory=MixingConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    stopping: StoppingConfig = field(default_factory=StoppingConfig)
    prediction: PredictionConfig = field(default_factory=PredictionConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", plain(self.name))
        expect_good_values(self, (NAME_CHECK,))
        for part in fields_by_part():
            _expect_config(part, getattr(self, part))
        if self.augmentation is not None:
            self.augmentation.expect_fits(self.data.image_size)

    @classmethod
    def make(cls, name: str, dataset: str, **settings: Any) -> Recipe:
        """Make a recipe from some fields, with defaults for the others.

        Args:
            name: the name of its runs.
            dataset: the name of a dataset, or a folder.
            settings: fields by their names, such as `conv=(32, 64)`; they also decide the model's family.

        Raises:
            GreycardError: a field is unknown or a value is invalid.
        """
        given = addressed(settings)
        own = {name: value for (part, name), value in given.items() if part == "model" and name}
        whole = ("model", "") in given
        base = cls(name=name, data=DataConfig(dataset=dataset), model=MlpConfig() if whole else make_model(own))
        rest = {key: value for key, value in given.items() if whole or key[0] != "model"}
        return base.replace(**{".".join(key).strip("."): value for key, value in rest.items()})

    @property
    def pretrained(self) -> PretrainedConfig | None:
        """The model config if it has a pretrained backbone; None if the model is trained from scratch."""
        return self.model if isinstance(self.model, PretrainedConfig) else None

    @property
    def soft_targets(self) -> bool:
        """True if training needs targets float32 (b, classes) instead of class numbers int (b,)."""
        return self.mixing.is_on or self.loss.label_smoothing > 0 or self.loss.balance == "weights"

    @property
    def backbones(self) -> tuple[PretrainedConfig, ...]:
        """The pretrained networks of the model, one config each; empty if it is trained from scratch."""
        return self.model.pretrained_parts

    @property
    def architecture(self) -> str:
        """A few words for the table, such as `CNN 64-64, dense 512`."""
        return self.model.architecture

    def __repr__(self) -> str:
        return f"Recipe({self.name!r}, {self.architecture}, {self.training.length} on {self.data.dataset!r})"

    @property
    def digest(self) -> str:
        """The SHA-256 of what differs from the defaults, as JSON with sorted keys.

        Recipes with the same digest are equal. A field that a later version adds does not change the digest.
        """
        given = {part: given_in(getattr(self, part)) for part in fields_by_part()}
        return hashlib.sha256(json.dumps({"name": self.name} | given, sort_keys=True).encode()).hexdigest()

    def matches_resolved(self, resolved: Recipe) -> bool:
        """True if `resolved` is this recipe with the fields filled in that depend on the data and the machine."""
        open_fields = {
            name for name in ("task", "val_fraction", "group_duplicates") if getattr(self.data, name) is None
        }
        open_fields |= {"precision"} if self.training.precision == "auto" else set()
        open_fields |= {"epochs"} if isinstance(self.model, ProbeConfig) and not self.model.fine_tune else set()
        place = Path(self.data.dataset)  # a run records only the name of the folder
        open_fields |= {"dataset"} if resolved.data.dataset in (place.name, place.stem) else set()
        decided = resolved.settings()
        return self.replace(**{name: decided[name] for name in open_fields}) == resolved

    def settings(self) -> dict[str, Any]:
        """Every field's value under the name for `--set`; only `augmentation` if there is no augmentation."""
        found: dict[str, Any] = {"name": self.name}
        for part in fields_by_part():
            config = getattr(self, part)
            named = {} if config is None else values_of(config)
            found |= {short_name(part, name): value for name, value in named.items()} or {part: None}
        return found

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some fields changed, checked again.

        Args:
            changes: fields by their names, dotted as in `**{"training.epochs": 5}`; or whole parts.

        Raises:
            GreycardError: a field is unknown or a value is invalid.
        """
        whole: dict[str, Any] = {}
        inner: dict[str, dict[str, Any]] = {}
        for (part, name), value in addressed(changes).items():
            if name and part:
                inner.setdefault(part, {})[name] = value
            else:
                whole[part or name] = value
        for part, fields in inner.items():
            whole[part] = _changed(part, whole.get(part, getattr(self, part)), fields)
        return dataclasses.replace(self, **whole)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types only; `Recipe.from_json` gives back an equal recipe."""
        return {"name": self.name, **{part: to_json(getattr(self, part)) for part in fields_by_part()}}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Recipe:
        """Make a recipe from the result of `to_json`; missing fields have their defaults.

        Raises:
            GreycardError: the name or dataset is missing, a field is unknown, or a value is invalid.
        """
        parts = fields_by_part()
        for name in content:
            if name != "name" and name not in parts:
                raise unknown_field("a recipe has", name)
        if "name" not in content:
            raise GreycardError("a recipe needs a name. Received: none", hint="for example name: pets")
        read = {part: _read(part, content.get(part)) for part in parts}
        return cls(name=content["name"], **read)

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe from a YAML or JSON file, also from a run's `recipe.json`.

        Raises:
            GreycardError: the file does not exist or is not a recipe; the message names the file and the field.
        """
        from greycard.recipe.files import load_recipe

        return load_recipe(path)

    def save(self, path: str | Path) -> Path:
        """Write the recipe to a new `.yaml`, `.yml` or `.json` file, and return its path."""
        from greycard.recipe.files import save_recipe

        return save_recipe(self, path)


def _expect_config(part: str, value: Any) -> None:
    kind = ModelConfig if part == "model" else PARTS[part]
    if not isinstance(value, kind) and not (part == "augmentation" and value is None):
        allowed = "none, or set by its own fields" if part == "augmentation" else f"a {kind.__name__}"
        fields = part_fields(part)
        example = "none" if part == "augmentation" else f"{fields[-1]}=…"
        hint = f"for example {part}={example}" if part == "augmentation" else f"set its fields: {', '.join(fields)}"
        raise GreycardError(f"{part} must be {allowed}. Received: {value!r}", hint=hint)


def _changed(part: str, config: Any, fields: dict[str, Any]) -> Any:
    if part == "augmentation" and config is None:
        config = Augmentation()
    _expect_config(part, config)
    if part == "model":
        return change_model(config, fields)
    return changed(config, fields) if isinstance(config, Config) else dataclasses.replace(config, **fields)


def _read(part: str, value: Any) -> Any:
    """Make a part from its JSON; error messages name the part."""
    if value is None and part == "augmentation":
        return None
    if not isinstance(value, Mapping | None):
        fields = ", ".join(part_fields(part))
        raise GreycardError(f"{part} must have fields. Received: {value!r}", hint=f"its fields are {fields}")
    values = {name: from_json(each) for name, each in (value or {}).items()}
    for name in values:
        if name not in part_fields(part):
            raise unknown_field("a recipe has", f"{part}.{name}")
    if part == "data" and "dataset" not in values:
        raise GreycardError("data needs a dataset. Received: none", hint="for example dataset: pets")
    try:
        return make_model(values) if part == "model" else PARTS[part](**values)
    except GreycardError as error:
        raise GreycardError(f"{part}: {error.args[0]}", hint=error.hint) from error
