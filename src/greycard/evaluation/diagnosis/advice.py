"""Next steps as commands that work when typed; they need no network, unless they say that they download."""

from __future__ import annotations

from greycard.evaluation.diagnosis.evidence import Evidence

_DOWNLOADED = "MobileNetV2"
"""The network that `--weights imagenet` downloads, 9 MB."""


def lower_rate(evidence: Evidence) -> str:
    return f"lower the learning rate: `{evidence.command} --set learning_rate={evidence.learning_rate / 10:g}`"


def train_longer(evidence: Evidence) -> str:
    """More time if the time limit ended training, else more epochs."""
    if evidence.time_ended_it:
        assert evidence.minutes is not None
        option = "--minutes " if _chosen(evidence) else "--set minutes="
        return f"give it more time: `{evidence.command} {option}{2 * evidence.minutes:g}`"
    epochs = max(evidence.epochs_planned or 0, len(evidence.history))
    return f"train longer: `{evidence.command} --epochs {2 * epochs}`"


def against_overfitting(evidence: Evidence) -> str:
    """Pretrained features if their weights are available, then augmentation, then regularization or more images."""
    if _would_transfer(evidence) and evidence.network:
        return _transfer(evidence)
    if not evidence.augmented and not evidence.pretrained:
        step = f"augment the training images: `{evidence.command} --set rotation_range=15 --set zoom_range=0.1`"
    else:
        step = f"add training images, or try dropout: `{evidence.command} --set dropout=0.5`"
    return f"{step}; or {_transfer(evidence)}" if _would_transfer(evidence) else step


def against_underfitting(evidence: Evidence) -> str:
    """The next step for an underfit run that more epochs would not help."""
    if _would_transfer(evidence):
        return _transfer(evidence)
    if evidence.augmented:
        return f"augment less: `{evidence.command} --set augmentation=none`"
    return f"a larger network: `{evidence.command} --set dense=512`"


def _would_transfer(evidence: Evidence) -> bool:
    """True if pretrained features are likely to help and were not tried."""
    return not (evidence.pretrained or evidence.tiny or evidence.grey)


def _chosen(evidence: Evidence) -> bool:
    """True if Greycard chose the recipe: `greycard train` has options that `greycard run` does not have."""
    return evidence.command.startswith("greycard train ")


def _transfer(evidence: Evidence) -> str:
    options = f"--set backbone={evidence.network or _DOWNLOADED} --set conv=none"
    if _chosen(evidence):
        options = f"--backbone {evidence.network}" if evidence.network else "--weights imagenet"
    elif not evidence.network:
        options += " --weights imagenet"
    download = "" if evidence.network else f" (downloads {_DOWNLOADED}'s weights)"
    return f"transfer learning: `{evidence.command} {options}`{download}"
