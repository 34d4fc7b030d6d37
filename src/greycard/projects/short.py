"""Short variants of the projects, for a lesson: fewer or smaller images, and fewer epochs.

With so few steps, those that learn slowly get larger or more steps. The transfer variants use EfficientNet-Lite0, and
a small head on features that are computed once: InceptionV3 and its large head take 2 GB of memory.
benchmarks/classroom.py measures the time and memory of each.
"""

from __future__ import annotations

from typing import Any

from greycard.projects.project import Project

_MNIST = {"train_limit": 6_000, "val_limit": 1_000}
_HORSES = {"image_size": (100, 100), "learning_rate": 1e-3}
_CATS = {"image_size": (75, 75), "train_limit": 1_000, "val_limit": 500, "learning_rate": 1e-3}
_TRANSFER = {
    "backbone": "EfficientNetLite0",
    "backbone_layer": None,
    "dense": (64,),
    "image_size": (128, 128),
    "augmentation": None,
}

CHANGES: dict[str, dict[str, Any]] = {
    "fashion-mnist-dnn": {**_MNIST, "epochs": 10},
    "fashion-mnist-cnn": {**_MNIST, "epochs": 3},
    "mnist-dnn": {**_MNIST, "epochs": 10},
    "mnist-cnn": {**_MNIST, "epochs": 3},
    "horses-humans-cnn": {**_HORSES, "epochs": 10},
    "horses-humans-cnn-augmented": {**_HORSES, "batch_size": 32, "epochs": 10},
    "horses-humans-transfer": {**_TRANSFER, "train_limit": 300, "epochs": 5},
    "cats-dogs-3k-cnn": {**_CATS, "epochs": 8},
    "cats-dogs-3k-cnn-augmented": {**_CATS, "epochs": 8},
    "cats-dogs-3k-transfer": {**_TRANSFER, "train_limit": 500, "val_limit": 500, "epochs": 5},
}
"""What the short variant of each project changes, by the project's name."""


def short_variant(project: Project) -> Project:
    """The project's short variant: another name, and no published figures, because they are of other images."""
    recipe = project.recipe.replace(name=f"{project.name}-short", **CHANGES[project.name])
    first, length = project.teaches.split("\n")[0], recipe.training.length
    teaches = (
        f"{first}\n\nThe short variant of {project.name}, for a lesson: fewer or smaller images, {length}.\n"
        "Its accuracy is no result of that project."
    )
    return Project(recipe, teaches, model=project.model)
