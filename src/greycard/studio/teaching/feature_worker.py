"""A process that computes features: `python -m greycard.studio.teaching.feature_worker FOLDER STATE`.

Its first line on stdout says what it uses, as JSON. Each line on stdin makes it look for new images, and it ends with
its stdin, so with the server. It is a process so that Keras neither delays nor blocks the page.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from greycard.core.errors import GreycardError
from greycard.studio.images.identity import identity
from greycard.studio.images.walk import image_ids
from greycard.studio.teaching.feature_file import FeatureFile, Source

if TYPE_CHECKING:
    from greycard.labelling.extractor import Extractor

_BATCH = 32


def main(root: Path, state: Path) -> None:
    """Compute the features of all images, then of new ones whenever a line comes."""
    asked = Event()
    Thread(target=_listen, args=(asked,), daemon=True).start()
    from greycard.backend.start import start

    start()
    from greycard.labelling.extractor import best_extractor

    extractor = best_extractor()
    file = state / "features" / f"{extractor.identity}.features"
    print(json.dumps(asdict(Source(extractor.network, extractor.features, str(file)))), flush=True)
    store = FeatureFile(file, extractor.features)
    while True:
        asked.clear()
        _add_missing(root, store, extractor)
        asked.wait()


def _listen(asked: Event) -> None:
    """Note each line; end at once with stdin, also in the middle of the work, which the next process continues."""
    while os.read(0, 4096):
        asked.set()
    os._exit(0)


def _add_missing(root: Path, store: FeatureFile, extractor: Extractor) -> None:
    store.update()
    files = {_key(path): path for path in (root / id for id in image_ids(root))}
    missing = [key for key in files if key and key not in store]
    for start in range(0, len(missing), _BATCH):
        keys = missing[start : start + _BATCH]
        features = extractor.of([files[key] for key in keys])
        still = [row for row, key in enumerate(keys) if _key(files[key]) == key]  # a moved file is found again
        store.append([keys[row] for row in still], features[still])


def _key(file: Path) -> str:
    """The file's identity; empty if it has just been moved."""
    try:
        return identity(file)
    except OSError:
        return ""


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except GreycardError as error:
        sys.exit(f"error: {error}\nhint: {error.hint}")
    except KeyboardInterrupt:
        sys.exit(130)
