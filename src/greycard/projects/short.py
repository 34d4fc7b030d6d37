"""Short variants of the projects, for a lesson: fewer and smaller images, fewer epochs, and no other change.

benchmarks/classroom.py measures that each takes at most a minute on two cores, and at most 1 GB of memory.
"""

from __future__ import annotations

from typing import Any

from greycard.projects.project import Project

_MNIST = {"train_limit": 6_000, "val_limit": 1_000}
_HORSES = {"image_size": (150, 150)}
_CATS = {"image_size": (75, 75), "train_limit": 1_000, "val_limit": 500}

CHANGES: dict[str, dict[str, Any]] = {
    "fashion-mnist-dnn": {**_MNIST, "epochs": 20},
    "fashion-mnist-cnn": {**_MNIST, "epochs": 6},
    "mnist-dnn": {**_MNIST, "epochs": 20},
    "mnist-cnn": {**_MNIST, "epochs": 6},
    "horses-humans-cnn": {**_HORSES, "epochs": 8},
    "horses-humans-cnn-augmented": {**_HORSES, "epochs": 5},
    "horses-humans-transfer": {"train_limit": 300, "epochs": 3},
    "cats-dogs-3k-cnn": {**_CATS, "epochs": 8},
    "cats-dogs-3k-cnn-augmented": {**_CATS, "epochs": 8},
    "cats-dogs-3k-transfer": {"train_limit": 500, "val_limit": 300, "epochs": 4},
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
