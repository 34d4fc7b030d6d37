"""Greycard: image classification on your own machine, from a folder of images to honest numbers.

`import greycard` imports neither Keras nor a backend; they are imported when a model is trained or loaded.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from greycard.api import (
        Augmentation,
        Dataset,
        GreycardError,
        Project,
        Recipe,
        Run,
        Source,
        Table,
        check,
        compare,
        crossval,
        embed,
        embed_shards,
        find_lr,
        load_dataset,
        load_folder,
        load_manifest,
        open_dataset,
        open_run,
        predict_shards,
        project,
        projects,
        resume,
        runs_table,
        search,
        serve,
        split,
        studio,
        sweep,
        train,
    )

__all__ = [
    "Augmentation",
    "Dataset",
    "GreycardError",
    "Project",
    "Recipe",
    "Run",
    "Source",
    "Table",
    "check",
    "compare",
    "crossval",
    "embed",
    "embed_shards",
    "find_lr",
    "load_dataset",
    "load_folder",
    "load_manifest",
    "open_dataset",
    "open_run",
    "predict_shards",
    "project",
    "projects",
    "resume",
    "runs_table",
    "search",
    "serve",
    "split",
    "studio",
    "sweep",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first access (PEP 562), so that `import greycard` is fast."""
    if name == "__version__":
        return import_module("importlib.metadata").version("greycard")
    if name not in __all__:
        raise AttributeError(f"module 'greycard' has no attribute {name!r}")
    return getattr(import_module("greycard.api"), name)


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """This package. Python sets every imported submodule as an attribute; that must not hide a public name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
