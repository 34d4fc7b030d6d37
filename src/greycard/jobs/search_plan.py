"""Plan a search: measure this machine, set images aside, and decide which recipes may fit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from greycard.backend.precision import expected_precision
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.strata import MOST_BINS
from greycard.models.preferred import PREFERRED, available, imagenet_network
from greycard.recipe import Recipe
from greycard.reports.columns import seconds as seconds_text
from greycard.reports.ladder import minutes_text
from greycard.search.budget import Budget, Counts, Rates, cost_of, usable_images
from greycard.search.candidates import Candidate, Network, ladder
from greycard.search.record import TRIED, Rung, SearchRecord, SetAside
from greycard.search.set_aside import Parts, compared, in_three_parts
from greycard.search.speed import measure_rates
from greycard.training.image_kind import ImageKind, image_kind
from greycard.training.recommend import Task, is_for_pretrained

MEASURING_SHARE = 0.1
"""After this share of the budget, the remaining recipes are measured only when it is their turn."""

USABLE_SHARE = 0.9
"""The cheapest recipe may take this share of the time that is left; with more images, some are left out."""

_LEAST_PER_CLASS, _USEFUL_PER_CLASS, _USEFUL = 10, 50, 1_000
"""Images that are used however short the budget is: 50 of each class up to 1,000 in all, and never fewer than 10."""

_WARM, _SAMPLE = 16, 96


@dataclass(frozen=True)
class Plan:
    """What a search will do.

    Attributes:
        dataset: to train on, to choose on (`validation`), and set aside (`test`).
        candidates: the ladder.
        rates: of the candidates that were measured, by name.
        record: the search as it begins.
    """

    dataset: Dataset
    candidates: tuple[Candidate, ...]
    rates: Mapping[str, Rates]
    record: SearchRecord

    @property
    def counts(self) -> Counts:
        """Numbers of images."""
        return counts_of(self.dataset)


def counts_of(dataset: Dataset) -> Counts:
    """Numbers of images of a dataset in three parts."""
    return Counts(len(dataset.train), len(dataset.validation), len(dataset.test or ()))


def candidates_for(dataset: Dataset, weights: str | Path | None, minutes: float, seed: int) -> tuple[Candidate, ...]:
    """The ladder for a dataset, by the kind of its images and the weights that are here.

    Raises:
        GreycardError: `weights` names a file or folder without a known network.
    """
    task = Task(
        dataset.name, len(dataset.train), len(dataset.validation), image_kind(dataset), minutes, expected_precision()
    )
    found = ladder(task, networks_here(weights, task.kind))
    return tuple(replace(each, recipe=each.recipe.replace(seed=seed)) for each in found)


def planned_candidates(record: SearchRecord, run: Path) -> tuple[Candidate, ...]:
    """The ladder of a search that began earlier, from the recipes in its folder.

    Raises:
        GreycardError: a recipe is missing or damaged.
    """
    return tuple(
        Candidate(rung.name, Recipe.load(run / TRIED / f"{rung.name}.json"), rung.least_epochs) for rung in record.rungs
    )


def networks_here(weights: str | Path | None, kind: ImageKind) -> list[Network]:
    """The pretrained networks with weights, the best first; without `weights` only if they suit the images.

    Raises:
        GreycardError: `weights` names a file or folder without a known network.
    """
    if weights == "none" or (weights is None and not is_for_pretrained(kind)):
        return []
    if weights == "imagenet":
        return [(imagenet_network(), None)]
    found = available(weights)
    if not found and weights is not None:
        raise GreycardError(
            f"--weights {weights} has no file with the name of a network that is known to work on a CPU; expected"
            f" {', '.join(known.name for known in PREFERRED)}, whole",
            hint="--weights none searches without pretrained networks",
        )
    return [(network.name, network.alpha) for network in found]


def make_plan(dataset: Dataset, weights: str | Path | None, seed: int, budget: Budget, reporter: Reporter) -> Plan:
    """Measure this machine, leave out images if there are too many, and set images aside.

    Raises:
        GreycardError: the cheapest recipe cannot be trained here.
    """
    minutes = budget.seconds / 60
    candidates = candidates_for(dataset, weights, minutes, seed)
    with reporter.status(f"measuring this machine: {candidates[0].what}"):
        first = measure_rates(candidates[0].recipe, dataset, weights)
        per_image = _seconds_per_image(candidates[0], first) + _comparing_seconds(dataset, seed)
    used, unused = _affordable(dataset, per_image, candidates[0], first, budget, reporter)
    count = reporter.progress("comparing images", len(used.train) + len(used.validation))
    parts = in_three_parts(used, seed, lambda: count(1))
    rates = {candidates[0].name: first} | _more_rates(candidates[1:], parts.dataset, weights, budget, reporter)
    rungs = tuple(_rung(each, rates.get(each.name), parts.dataset) for each in candidates)
    record = SearchRecord(
        minutes=minutes,
        seed=seed,
        spent_seconds=budget.spent,
        val_images=len(parts.dataset.validation),
        set_aside=_set_aside(parts, seed, unused),
        rungs=rungs,
    )
    return Plan(parts.dataset, candidates, rates, record)


def _seconds_per_image(candidate: Candidate, rates: Rates) -> float:
    """Of the shortest training of a recipe."""
    one = cost_of(candidate.recipe, replace(rates, start=0.0), Counts(1, 0, 0))
    return one.seconds(min(candidate.least_epochs, candidate.recipe.training.epochs))


def _comparing_seconds(dataset: Dataset, seed: int) -> float:
    """Seconds to compare one image with the others; the first images only warm up."""
    begun, compares = 0.0, dataset.split.val_fraction is not None or dataset.test is None
    for count in (_WARM, _SAMPLE) if compares else ():
        sample = dataset.train.limited(count, seed)
        begun = time.perf_counter()
        compared(replace(dataset, train=sample, validation=sample.take([]), test=None))
    return (time.perf_counter() - begun) / len(sample) if compares else 0.0


def _affordable(
    dataset: Dataset, per_image: float, cheapest: Candidate, rates: Rates, budget: Budget, reporter: Reporter
) -> tuple[Dataset, int]:
    """As many images as the cheapest recipe has time for, the same share of every class; and how many are left out."""
    total = sum(map(len, dataset.splits))
    classes, allowed = len(dataset.classes) or MOST_BINS, USABLE_SHARE * budget.left
    least = max(_LEAST_PER_CLASS * classes, min(_USEFUL_PER_CLASS * classes, _USEFUL))
    images = usable_images(total, per_image, rates.start, allowed, least)
    needed = rates.start + images * per_image
    limit = minutes_text(budget.seconds / 60)
    if needed > budget.left:
        reporter.log(
            f"{limit} is too short: the cheapest recipe, {cheapest.what}, takes about"
            f" {seconds_text(needed)} on {images:,} images; it is trained anyway"
        )
    if images == total:
        return dataset, 0
    minutes = (budget.spent + (rates.start + total * per_image) / USABLE_SHARE) / 60
    reporter.log(
        f"{total:,} images are too many for {limit}: {images:,} are used, the same share of each class;"
        f" --minutes {math.ceil(minutes)} uses all"
    )
    share = images / total
    train, validation, test = (_share(split, share) for split in (dataset.train, dataset.validation, dataset.test))
    assert train is not None
    assert validation is not None
    return replace(dataset, train=train, validation=validation, test=test), total - images


def _share(split: Split | None, share: float) -> Split | None:
    return None if split is None else split.limited(max(1, round(share * len(split))), 0)


def _more_rates(
    candidates: tuple[Candidate, ...], dataset: Dataset, weights: str | Path | None, budget: Budget, reporter: Reporter
) -> dict[str, Rates]:
    """The rates of the next recipes, as long as measuring them takes little of the time."""
    rates: dict[str, Rates] = {}
    for candidate in candidates:
        if budget.spent > MEASURING_SHARE * budget.seconds:
            break
        with reporter.status(f"measuring this machine: {candidate.what}"):
            rates[candidate.name] = measure_rates(candidate.recipe, dataset, weights)
    return rates


def _rung(candidate: Candidate, rates: Rates | None, dataset: Dataset) -> Rung:
    cost = None if rates is None else cost_of(candidate.recipe, rates, counts_of(dataset))
    expected = None if cost is None else cost.seconds(candidate.recipe.training.epochs)
    return Rung(
        name=candidate.name, what=candidate.what, least_epochs=candidate.least_epochs, expected_seconds=expected
    )


def _set_aside(parts: Parts, seed: int, unused: int) -> SetAside:
    assert parts.dataset.test is not None
    return SetAside(
        source=parts.source, images=len(parts.dataset.test), seed=seed, grouped=parts.grouped, unused=unused
    )
