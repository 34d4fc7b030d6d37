"""The table of records. A new record is one line here; benchmarks/records.py measures it and writes `records.json`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources

from greycard.core.records import from_json
from greycard.projects import digits, probes, residual
from greycard.projects.record import Measured, Record, record

MEASURED = "records.json"
_PROBE = "a probe: logistic regression on the features of EfficientNet-Lite0"
_TWO_PROBES = "two probes, of EfficientNet-Lite0 and MobileNetV2, on four versions of each image"


@cache
def candidates() -> tuple[Record, ...]:
    """Every line of the table, measured or not."""
    return (
        record(1, digits.digits_cnn, "one convolution; the data is included"),
        record(10, residual.mnist_10, "a residual network, one-cycle schedule, crops, turns, label smoothing"),
        record(60, residual.mnist_60, "as for 10 minutes, with twice as many epochs"),
        record(
            10, residual.fashion_mnist_10, "a residual network, one-cycle schedule, crops, mirror images in training"
        ),
        record(60, residual.fashion_mnist_60, "as for 10 minutes, twice as wide, more epochs, squares covered"),
        record(1, probes.horses_humans_1, _PROBE),
        record(10, probes.horses_humans_10, _TWO_PROBES),
        record(
            10,
            residual.horses_humans_scratch,
            "a residual network, crops and TrivialAugment, the enlarged middle in prediction;"
            " its settings were compared on these same images",
            scratch=True,
        ),
        record(1, probes.cats_dogs_1, _PROBE),
        record(10, probes.cats_dogs_10, _TWO_PROBES),
        record(60, residual.cats_dogs_scratch, "a residual network; crops, colours, mixed images", scratch=True),
    )


def records() -> tuple[tuple[Record, Measured], ...]:
    """The records with their measured figures, by dataset and minutes. A recipe that has not been measured, or took
    longer than its budget, is no record."""
    found = {each.name: each for each in measured()}
    pairs = ((each, found[each.name]) for each in candidates() if each.name in found)
    held = [(one, its) for one, its in pairs if its.digest == one.recipe.digest and its.seconds <= 60 * one.minutes]
    return tuple(sorted(held, key=lambda pair: (pair[0].recipe.data.dataset, pair[0].minutes)))


def measured() -> tuple[Measured, ...]:
    """The content of `records.json`, which benchmarks/records.py writes from its result file."""
    file = resources.files("greycard.projects").joinpath(MEASURED)
    return tuple(from_json(Measured, each) for each in json.loads(file.read_text("utf-8"))["records"])
