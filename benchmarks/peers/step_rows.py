"""The networks whose training steps are compared, as each side builds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepRow:
    """One network, its images and its optimizer.

    Attributes:
        size: height and width in pixels.
        channels: 1 or 3.
        classes: 2 for a sigmoid with one unit.
        batch: images a step.
        conv: filters of the 3×3 convolutions, each with ReLU and 2×2 max pooling.
        dense: units of the dense layers before the output.
        width: of a residual network's first convolution, in place of `conv`; 0 for none.
        optimizer: `adam`, `rmsprop`, or `sgd` with Nesterov momentum and weight decay.
        learning_rate: constant.
    """

    size: int
    channels: int
    classes: int
    batch: int
    conv: tuple[int, ...] = ()
    dense: tuple[int, ...] = (512,)
    width: int = 0
    optimizer: str = "adam"
    learning_rate: float = 1e-3


ROWS = {
    "mnist-dnn": StepRow(28, 1, 10, 32, dense=(512, 512)),
    "mnist-cnn": StepRow(28, 1, 10, 32, conv=(64, 64)),
    "horses-humans-cnn": StepRow(300, 3, 2, 128, conv=(16, 32, 64, 64, 64), optimizer="rmsprop"),
    "cats-dogs-3k-cnn": StepRow(150, 3, 2, 20, conv=(32, 64, 128, 128), optimizer="rmsprop", learning_rate=1e-4),
    "cats-dogs-25k-cnn": StepRow(150, 3, 2, 10, conv=(16, 32, 64), optimizer="rmsprop"),
    "resnet-24": StepRow(28, 1, 10, 128, dense=(), width=24, optimizer="sgd", learning_rate=0.1),
}
"""The rows of the table that train every layer (Fashion-MNIST's have the networks of MNIST's), and a residual network
of three stages with residual blocks in the first and the last."""
