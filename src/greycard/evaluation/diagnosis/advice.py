"""Next steps as commands that work when typed; they need no network, unless they say that they download."""

from __future__ import annotations

import shlex

from greycard.evaluation.diagnosis.evidence import Evidence, Probe
from greycard.models.imagenet import LITE0
from greycard.models.packaged import EXTRA
from greycard.recipe.names import PARTS, part_fields, short_name

_TUNING_RATE = 1e-4
"""Adam's learning rate for fine-tuning, as for a recipe that Greycard chooses."""


def lower_rate(evidence: Evidence) -> str:
    rate = f"learning_rate={evidence.learning_rate / 10:g}"
    return f"lower the learning rate: {_in_python(rate) if evidence.own_model else _command(evidence, '--set ' + rate)}"


def train_longer(evidence: Evidence) -> str:
    """More time if the time limit ended training, else more epochs."""
    if evidence.time_ended_it:
        assert evidence.minutes is not None
        minutes = f"minutes={2 * evidence.minutes:g}"
        more = _in_python(minutes) if evidence.own_model else _command(evidence, f"--set {minutes}")
        return f"give it more time: {more}"
    epochs = 2 * max(evidence.epochs_planned or 0, len(evidence.history))
    more = _in_python(f"epochs={epochs}") if evidence.own_model else _command(evidence, f"--epochs {epochs}")
    return f"train longer: {more}"


def against_overfitting(evidence: Evidence) -> str:
    """Pretrained features if their weights are available, then augmentation, then regularization or more images."""
    if evidence.own_model:
        if evidence.augmented:
            return "add training images, or a Dropout layer to your model"
        return f"augment the training images: {_in_python('rotation_range=15, zoom_range=0.1')}"
    if evidence.probe:
        more = _command(evidence, "--set views=crops")
        also = f", or use more versions of each image: {more}" if evidence.probe.views != "crops" else ""
        return f"add training images{also}"
    if _would_transfer(evidence) and evidence.network:
        return _transfer(evidence)
    if not evidence.augmented and not evidence.pretrained:
        turned = _command(evidence, "--set rotation_range=15", "--set zoom_range=0.1")
        step = f"augment the training images: {turned}"
    else:
        step = f"add training images, or try dropout: {_command(evidence, '--set dropout=0.5')}"
    return f"{step}; or {_transfer(evidence)}" if _would_transfer(evidence) else step


def against_underfitting(evidence: Evidence) -> str:
    """The next step for an underfit run that more epochs would not help."""
    if evidence.own_model:
        less = f"augment less: {_in_python('augmentation=None')}"
        return less if evidence.augmented else "a larger network: more layers or filters in your model"
    if evidence.probe:
        return _tune(evidence, evidence.probe)
    if _would_transfer(evidence):
        return _transfer(evidence)
    if evidence.augmented:
        return f"augment less: {_command(evidence, '--set augmentation=none')}"
    return f"a larger network: {_command(evidence, f'--set {evidence.larger}')}"


def look_at_labels(evidence: Evidence) -> str:
    return f"look whether the labels are right: `greycard check {evidence.folder}`"


def _tune(evidence: Evidence, probe: Probe) -> str:
    """Train the network, too; only one network can be tuned."""
    if probe.fine_tune == "all":
        return look_at_labels(evidence)
    one = [f"--set backbones={shlex.quote(probe.backbones[0])}"] if len(probe.backbones) > 1 else []
    how = ["--fine-tune all"] if _chosen(evidence) else ["--set fine_tune=all", f"--set learning_rate={_TUNING_RATE:g}"]
    return f"train the network's own layers, too: {_command(evidence, *one, *how)}"


def against_imbalance(evidence: Evidence) -> str:
    """Weights for the classes, or more images if the run already balanced them."""
    if evidence.balanced:
        return "add images of the small classes"
    option = "--set balance=weights"
    weights = _in_python('balance="weights"') if evidence.own_model else _command(evidence, option)
    return f"give all classes the same weight: {weights}, or add images of the small classes"


def _command(evidence: Evidence, *options: str) -> str:
    """The run's command with its own options, except those that the new ones replace."""
    replaced = {name for option in options for name in _with_parts(_field(option))}
    kept = [option for option in evidence.options if _field(option) not in replaced]
    return f"`{' '.join([evidence.command, *kept, *options])}`"


def _with_parts(field: str) -> tuple[str, ...]:
    """The field, or the name of a part of a recipe with all of its fields."""
    return (field, *(short_name(field, name) for name in part_fields(field))) if field in PARTS else (field,)


def _field(option: str) -> str:
    """The field that `--set epochs=3` or `--epochs 3` changes."""
    name, _, value = option.partition(" ")
    return shlex.split(value)[0].partition("=")[0] if name == "--set" else name.removeprefix("--").replace("-", "_")


def _in_python(change: str) -> str:
    return f"`greycard.train(…, model=…, {change})`"


def _would_transfer(evidence: Evidence) -> bool:
    """True if pretrained features are likely to help and were not tried."""
    return not (evidence.pretrained or evidence.tiny or evidence.grey)


def _chosen(evidence: Evidence) -> bool:
    """True if Greycard chose the recipe: `greycard train` has options that `greycard run` does not have."""
    return evidence.command.startswith("greycard train ")


def _transfer(evidence: Evidence) -> str:
    network = evidence.network or LITE0.name
    options = f"--backbone {network}" if _chosen(evidence) else f"--set backbone={network} --set conv=none"
    first = "" if evidence.network else f"`{EXTRA}` (downloads {network}, 17 MB), then "
    return f"transfer learning: {first}`{evidence.command} {options}`"  # the run's own options are for its network
