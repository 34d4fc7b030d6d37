"""What every export format states: how it is written, and how it is run again to be checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from greycard.core.errors import GreycardError

if TYPE_CHECKING:
    import numpy as np

    from greycard.backend.inference import Engine
    from greycard.deploy.classifier import Classifier


@dataclass(frozen=True)
class Format:
    """One format. Its functions import what they need when they are called, so that names cost nothing.

    Attributes:
        name: as `--format` takes it.
        ending: of the file's name; a SavedModel is a folder.
        write: the classifier to a path; the third argument is training images uint8 (n, height, width, channels), on
            which integer formats are calibrated.
        open: what is at the path, as a function from images to rows: probabilities, then strangeness if there is one.
        exact: True to compare its probabilities with the original's, False to compare its accuracy.
        needs: packages beyond Greycard's own.
        extra: Greycard's extra that brings them.
        tensorflow: whether only the TensorFlow backend can write it.
        expect: raises a GreycardError if something else is missing.
        not_checked: what of the file an opened model does not show; None if nothing.
    """

    name: str
    ending: str
    write: Callable[[Classifier, Path, np.ndarray], None]
    open: Callable[[Path], Engine]
    exact: bool = True
    needs: tuple[str, ...] = ()
    extra: str = ""
    tensorflow: bool = True
    expect: Callable[[], None] = lambda: None
    not_checked: Callable[[Engine], str | None] = lambda _: None

    @property
    def suffix(self) -> str:
        """What every name of such a file ends in, as those who read it expect; nothing for a folder."""
        return "".join(self.ending.rpartition(".")[1:]) if "." in self.ending else ""

    def place_in(self, run: Path) -> Path:
        """`RUN/export/NAME` with the format's ending: where a run's export is by default."""
        return run / "export" / f"{run.name}{self.ending}"

    def expect_possible(self) -> None:
        """GreycardError where a package is missing, or another backend is in use."""
        import keras

        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            raise GreycardError(
                f"exporting to {self.name} needs {' and '.join(missing)}", hint=f'pip install "greycard[{self.extra}]"'
            )
        if self.tensorflow and keras.backend.backend() != "tensorflow":
            raise GreycardError(
                f"exporting to {self.name} needs the TensorFlow backend. Received: {keras.backend.backend()}",
                hint="unset KERAS_BACKEND; a run of any backend is read by all",
            )
        self.expect()


def about(place: Path, *, refused: bool = False) -> Path:
    """The path of the JSON file for an export, or for a rejected one."""
    return place.with_name(f"{place.name}.refused.json" if refused else f"{place.name}.json")
