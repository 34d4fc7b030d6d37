"""A folder of images with a run that was trained on it, and with some wrong labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import greycard
from conftest import image, make_folder

WRONG = 4
"""Images in each folder that show the other class."""


def train_project(root: Path) -> Path:
    """`pets/` with the classes dark and light, and `runs/pets-1/`; returns `pets/`."""
    pets = make_folder(root / "pets", ("",), ("dark", "light"), 16)
    for number in range(WRONG):
        image(500 + number, 210).save(pets / "dark" / f"w{number}.jpg")
        image(600 + number, 40).save(pets / "light" / f"v{number}.jpg")
    greycard.train(
        greycard.load_folder(pets, val_fraction=0.5),
        out=root / "runs",
        name="pets",
        quiet=True,
        epochs=25,
        learning_rate=0.01,
        backbone=None,
        augmentation=None,
        image_size=24,
        conv=(8,),
        dense=(8,),
    )
    return pets


def copied(pets: Path, to: Path) -> Path:
    """A copy of the project that a test may change; returns its folder of images."""
    shutil.copytree(pets.parent, to, dirs_exist_ok=True)
    return to / pets.name
