"""Exported pages in headless Chromium: their size, their time for an image, and whether they answer as `predict` does.

    GREYCARD_DATA=… python benchmarks/html_export.py [WORK …]

Each work trains a model, exports it as a page, and gives the page the files of all validation images, one after the
other: it decodes, resizes and classifies them as for a person who drops them. Their answers are compared with those of
`run.predict` on the same files. `pets` is the rendered sample, with a pretrained network and with one that is trained
from random weights for a few epochs; the photographs are those of cats_and_dogs_filtered.
Needs the runtime (`greycard fetch litert-web`) and Chromium. Writes `results/speed/html.json`.
"""

from __future__ import annotations

import base64
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import child
import greycard
from greycard.core.paths import data_dir
from greycard.core.processor import instruction_set
from greycard.deploy.export.browser import BrowserPage, find_browser
from greycard.deploy.export.web_page import model_in
from result import ResultFile, parser

_ONE = """(async (base64) => {
  const times = [performance.now()];
  const pixels = await greycard.pixelsOf(base64);
  times.push(performance.now());
  const [outputs] = await greycard.outputsFor(btoa(Array.from(pixels, (each) => String.fromCharCode(each)).join("")));
  times.push(performance.now());
  return { pixels, outputs: outputs[0], read: times[1] - times[0], compute: times[2] - times[1] };
})("%s")"""


@dataclass(frozen=True)
class Work:
    """A model to export.

    Attributes:
        name: of the work.
        words: the command that trains it, without the data.
        images: the folder of its images in the data directory; None for the sample.
    """

    name: str
    words: tuple[str, ...]
    images: str | None


WORKS = (
    Work("pets, recommended", ("train",), None),
    Work("photographs, recommended", ("train",), "cats_and_dogs_filtered"),
    Work("pets, from random weights", ("train", "--weights", "none", "--epochs", "10"), None),
)


def main() -> None:
    made = parser(__doc__, rounds=1)
    made.add_argument("works", nargs="*", metavar="WORK", help=f"of {', '.join(work.name for work in WORKS)}")
    options = made.parse_args()
    results = ResultFile("html", ("work", "instructions"), keep=not options.quick)
    for work in WORKS:
        if work.name in (options.works or [work.name]):
            with tempfile.TemporaryDirectory() as scratch:
                results.put(_measure(work, Path(scratch), 20 if options.quick else None))


def _measure(work: Work, scratch: Path, limit: int | None) -> dict[str, Any]:
    run, folder = _run(work, scratch)
    begun = time.perf_counter()
    done = run.export("html", scratch / "page.html", data=folder)
    seconds = time.perf_counter() - begun
    files = [folder / id for id in run.predictions["ids"][:limit]]
    predicted = [list((each.probabilities or {}).values()) for each in run.predict(files)]
    return {
        "work": work.name,
        "model": run.recipe.architecture,
        "image_size": list(run.recipe.data.image_size or ()),
        "instructions": instruction_set(),
        "bytes": done.bytes,
        "model_bytes": len(model_in(done.path.read_bytes())),
        "export_seconds": seconds,
        "equal_pixels": {"images": done.parity.images, "largest_difference": done.parity.largest_difference},
        **_browsed(run, done.path, files, np.array(predicted)),
    }


def _run(work: Work, scratch: Path) -> tuple[greycard.Run, Path]:
    """The trained run, and the folder of its images."""
    command = [sys.executable, "-m", "greycard"]
    folder = scratch / "pets" if work.images is None else data_dir() / work.images
    if work.images is None:
        child.run([*command, "sample", folder])
    child.run([*command, *work.words, folder, "--quiet", "--out", scratch / "runs"])
    (run,) = (path.parent for path in (scratch / "runs").glob("*/summary.json"))
    return greycard.open_run(run), folder


def _browsed(run: greycard.Run, place: Path, files: Sequence[Path], predicted: np.ndarray) -> dict[str, Any]:
    """What the page answers to the files."""
    browser = find_browser()
    if browser is None:
        raise SystemExit("this measurement needs Chromium")
    page = BrowserPage(browser, place)
    begun = time.perf_counter()
    page.wait_for("Boolean(globalThis.greycard)")
    page.value("greycard.ready.then(() => null)")
    start = time.perf_counter() - begun
    found = list(_answers(page, files))
    answers = np.array([each["outputs"][: len(run.classes)] for each in found])
    difference = np.abs(answers - predicted)
    pixels = [_pixel_difference(run, file, each) for file, each in zip(files, found, strict=True)]
    same = run.task.decide(answers) == run.task.decide(predicted)
    return {
        "browser": page.version,
        "start_seconds": start,
        "images": len(files),
        "same_answers": int(same.sum()),
        "largest_difference": float(difference.max()),
        "mean_difference": float(difference.max(axis=1).mean()),
        "pixels_equal": sum(worst == 0 for worst, _ in pixels),
        "pixels_largest": max(worst for worst, _ in pixels),
        "pixels_mean": float(np.mean([mean for _, mean in pixels])),
        "read_ms": median(each["read"] for each in found),
        "compute_ms": median(each["compute"] for each in found),
    }


def _answers(page: BrowserPage, files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        yield page.value(_ONE % base64.b64encode(file.read_bytes()).decode())


def _pixel_difference(run: greycard.Run, file: Path, answer: dict[str, Any]) -> tuple[int, float]:
    """The largest and the mean difference of a pixel's value, of 255."""
    expected = run.classifier.decode(file).astype(int)
    difference = np.abs(np.array(answer["pixels"]).reshape(expected.shape) - expected)
    return int(difference.max()), float(difference.mean())


if __name__ == "__main__":
    main()
