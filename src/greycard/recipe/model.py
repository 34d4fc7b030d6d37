"""The model part of a recipe: one config per model family. A new family is one class here and its line in FAMILIES."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from greycard.core.fields import Check, OneOf
from greycard.recipe.config import COUNT, COUNTS, SHARE, Config, number, optional, share, text, whole, whole_numbers

_DENSE: Check = ("dense", whole_numbers, COUNTS, "512")
_DROPOUT: Check = ("dropout", share, SHARE, "0.2")
_AFTER_FEATURES: tuple[Check, ...] = (
    ("pooling", OneOf(("flatten", "average")), "flatten or average", "average"),
    _DENSE,
    ("feature_dropout", share, SHARE, "0.2"),
    _DROPOUT,
)

_ALPHA: Check = ("backbone_alpha", optional(number(0, 10)), "a factor above 0, up to 10", "0.5")
_WITH_ALPHA = "MobileNet"
"""The names of networks with a width multiplier begin with this."""


def _texts(values: Any) -> bool:
    return isinstance(values, tuple) and bool(values) and all(map(text, values)) and len(set(values)) == len(values)


def _some(values: Any) -> bool:
    return whole_numbers(values) and bool(values)


def _numbers_of_blocks(values: Any) -> bool:
    return isinstance(values, tuple) and bool(values) and all(map(whole(0), values))


_ONLY_IN_EPOCHS = (
    "augmentation", "mixing", "loss.label_smoothing", "optimizer", "schedule", "training.batch_size", "training.epochs",
    "training.parts",
    "stopping.target_accuracy", "stopping.target_split", "stopping.target_uses_lower_bound", "stopping.patience",
    "stopping.keep",
)  # fmt: skip
"""The parts and fields that only gradient steps and epochs read, not a fit at once."""


def _joined(values: tuple[int, ...]) -> str:
    return "-".join(map(str, values))


class ModelConfig(Config, ABC):
    """The base of all model families.

    Attributes:
        kind: the family's name.
    """

    kind: ClassVar[str]
    SET_BY: ClassVar[str | None] = None
    """How to set this family, where no setting does."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """A few words for the table."""

    @property
    def pretrained_parts(self) -> tuple[PretrainedConfig, ...]:
        """The pretrained networks in the model, one config each."""
        return ()

    @property
    def unread(self) -> tuple[str, ...]:
        """The other parts of a recipe, and their fields, that training this model does not read; see `unread.py`."""
        return ()


@dataclass(frozen=True, kw_only=True)
class MlpConfig(ModelConfig):
    """Dense layers on pixels or numbers; without dense layers, a linear model.

    Attributes:
        dense: units of each dense layer before the output.
        dropout: fraction dropped before the output layer.
    """

    dense: tuple[int, ...] = ()
    dropout: float = 0.0

    kind: ClassVar[str] = "mlp"
    CHECKS: ClassVar[tuple[Check, ...]] = (_DENSE, _DROPOUT)

    @property
    def architecture(self) -> str:
        """Such as `DNN 512-512`."""
        return f"DNN {_joined(self.dense)}" if self.dense else "linear"


@dataclass(frozen=True, kw_only=True)
class ConvNetConfig(ModelConfig):
    """Convolutions with pooling, then dense layers; trained from scratch.

    Attributes:
        conv: filters of each 3×3 convolution, each followed by 2×2 max pooling.
        pooling: how a feature map becomes a vector.
        dense: units of each dense layer between the features and the output.
        feature_dropout: fraction of the features dropped before the dense layers.
        dropout: fraction dropped before the output layer.
    """

    conv: tuple[int, ...] = (32, 64)
    pooling: str = "flatten"
    dense: tuple[int, ...] = ()
    feature_dropout: float = 0.0
    dropout: float = 0.0

    kind: ClassVar[str] = "convnet"
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("conv", _some, COUNTS, "32,64"),
        *_AFTER_FEATURES,
    )

    @property
    def architecture(self) -> str:
        """Such as `CNN 64-64, dense 512`."""
        return f"CNN {_joined(self.conv)}" + (f", dense {_joined(self.dense)}" if self.dense else "")


@dataclass(frozen=True, kw_only=True)
class PretrainedConfig(ModelConfig):
    """A pretrained network with a new head.

    Attributes:
        backbone: `EfficientNetLite0`, a `keras.applications` network, or the folder of an earlier run; frozen if it has
            weights.
        backbone_layer: the layer to cut the backbone at; none uses all layers before the head.
        backbone_alpha: the width multiplier of the MobileNet family; none for the network's own default.
        augmented_copies: augmented copies of each image for a frozen backbone's cached features; epochs use them in
            turn. Without augmentation there is one.
        pooling: how a feature map becomes a vector.
        dense: units of each dense layer between the features and the output.
        feature_dropout: fraction of the features dropped before the dense layers.
        dropout: fraction dropped before the output layer.
    """

    backbone: str
    backbone_layer: str | None = None
    backbone_alpha: float | None = None
    augmented_copies: int = 4
    pooling: str = "flatten"
    dense: tuple[int, ...] = ()
    feature_dropout: float = 0.0
    dropout: float = 0.0

    kind: ClassVar[str] = "pretrained"
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("backbone", text, "a network's name or a run's folder", "EfficientNetLite0"),
        ("backbone_layer", optional(text), "a layer's name", "mixed7"),
        _ALPHA,
        ("augmented_copies", whole(1), COUNT, "4"),
        *_AFTER_FEATURES,
    )

    @property
    def architecture(self) -> str:
        """Such as `InceptionV3 to mixed7, dense 1024`."""
        cut = f" to {self.backbone_layer}" if self.backbone_layer else ""
        return f"{self.backbone}{cut}, {f'dense {_joined(self.dense)}' if self.dense else 'linear head'}"

    @property
    def pretrained_parts(self) -> tuple[PretrainedConfig, ...]:
        """This config."""
        return (self,)


@dataclass(frozen=True, kw_only=True)
class ProbeConfig(ModelConfig):
    """Frozen pretrained networks and a logistic regression on their features, fitted at once instead of by epochs.

    Attributes:
        backbones: one or more of `EfficientNetLite0`, `keras.applications` networks, and folders of earlier runs; the
            logits of several are averaged.
        backbone_alpha: the width multiplier of backbones of the MobileNet family; none for their own default.
        fine_tune: after the fit, train `last`, the last block of the backbone, or `all` of it, with small learning
            rates; the saved weights are between those before and after. None keeps the backbone frozen.
    """

    backbones: tuple[str, ...]
    backbone_alpha: float | None = None
    fine_tune: str | None = None

    kind: ClassVar[str] = "probe"
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("backbones", _texts, "one or more names of networks or folders of runs", "EfficientNetLite0"),
        _ALPHA,
        ("fine_tune", OneOf((None, "last", "all")), "last or all", "last"),
    )

    @property
    def architecture(self) -> str:
        """Such as `MobileNetV2 + EfficientNetB0, probe`."""
        tuned = {None: "probe", "last": "last block tuned", "all": "fine-tuned"}[self.fine_tune]
        return f"{' + '.join(self.backbones)}, {tuned}"

    @property
    def pretrained_parts(self) -> tuple[PretrainedConfig, ...]:
        """Each backbone with average pooling."""
        alpha = self.backbone_alpha
        return tuple(
            PretrainedConfig(
                backbone=name,
                backbone_alpha=alpha if name.startswith(_WITH_ALPHA) else None,
                pooling="average",
            )
            for name in self.backbones
        )

    @property
    def unread(self) -> tuple[str, ...]:
        """Without fine-tuning, all that is for epochs; the last block is tuned on feature maps, not on pixels.

        Fine-tuning has an average of its own, of the weights before and after, and computes batches as a whole.
        """
        pixels, own = ("augmentation", "mixing.cutmix"), ("optimizer.ema", "training.parts")
        return {None: _ONLY_IN_EPOCHS, "last": (*pixels, *own), "all": own}[self.fine_tune]


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(ModelConfig):
    """A small residual network with batch normalization; trained from scratch.

    Attributes:
        width: filters of the first convolution; each stage doubles them and halves the size.
        blocks: residual blocks of each stage, after the convolution that it begins with.
        stem_stride: stride of the first convolution; 2 halves the size before the first stage.
        dropout: fraction dropped before the output layer.
    """

    width: int = 32
    blocks: tuple[int, ...] = (1, 0, 1)
    stem_stride: int = 1
    dropout: float = 0.0

    kind: ClassVar[str] = "resnet"
    CHECKS: ClassVar[tuple[Check, ...]] = (
        ("width", whole(1), COUNT, "32"),
        ("blocks", _numbers_of_blocks, "whole numbers from 0 on", "1,0,1"),
        ("stem_stride", whole(1), COUNT, "2"),
        _DROPOUT,
    )

    @property
    def architecture(self) -> str:
        """Such as `ResNet 32, blocks 1-0-1`."""
        return f"ResNet {self.width}, blocks {_joined(self.blocks)}"


@dataclass(frozen=True, kw_only=True)
class CustomConfig(ModelConfig):
    """A Keras model that is built by the user's function; `train(…, model=build)` sets it.

    Attributes:
        function: the function's module and name.
    """

    function: str

    kind: ClassVar[str] = "custom"
    SET_BY: ClassVar[str | None] = "in Python: greycard.train(…, model=build)"
    CHECKS: ClassVar[tuple[Check, ...]] = (("function", text, "a function's module and name", "nets.build"),)

    @property
    def architecture(self) -> str:
        """The function's name."""
        return self.function


FAMILIES: dict[str, type[ModelConfig]] = {
    MlpConfig.kind: MlpConfig,
    ConvNetConfig.kind: ConvNetConfig,
    PretrainedConfig.kind: PretrainedConfig,
    ProbeConfig.kind: ProbeConfig,
    ResNetConfig.kind: ResNetConfig,
    CustomConfig.kind: CustomConfig,
}
