"""None of these: is the promise kept, how many strangers are caught, and do the exports answer the same?

    GREYCARD_DATA=… python benchmarks/rejection.py [DATA…] [--rounds 10]

Three models are asked about images of no class: a network on seven classes of Fashion-MNIST about the other three, one
on rendered cats and dogs about rabbits, and a probe on horses and humans about cats; and each about noise, black, and
screenshots of text. The classes were fixed before anything was measured, and nothing is chosen by the figures. A round
is a seed: of the training (the probe is fitted once) and of which images set the limit and which measure it. Every
score gets its limit in the same way, for at most 5 % of own images. Own images that measure are used for nothing else.
The exports of the first round are asked the same. Writes `results/speed/rejection.json` after each row.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from sklearn.metrics import roc_auc_score

import greycard
from greycard.backend.inference import Engine
from greycard.backend.start import start
from greycard.core.paths import data_dir
from greycard.datasets.dataset import Dataset, Split
from greycard.datasets.load import load_dataset
from greycard.deploy.export.formats import FORMATS
from greycard.evaluation.rejection import scores as others
from greycard.evaluation.rejection.bank import NEIGHBOURS, bank_rows
from greycard.evaluation.rejection.promise import limit
from greycard.pipeline.array_split import load_arrays
from greycard.synthetic.sample import CLASSES, render
from result import ResultFile, parser

SHARE = 0.05
SCORES = ("neighbours", "all components", "mahalanobis", "energy", "max logit", "max softmax")
"""The default first; `all components` is the same distance without principal components."""

_OTHERS = ("noise", "black", "text")
_SAME = 100
"""Images of noise, of black, and of text."""

_ASKED = 500
"""The most images of each kind that an export is asked about."""


@dataclass(frozen=True)
class Round:
    """The images of one seed; ids are unique.

    Attributes:
        dataset: to train on; its validation images set the limit.
        own: other images of the classes.
        strangers: images of no class, by their name.
        recipe: fields of the recipe.
        is_fitted_once: whether all rounds have the model of the first one.
    """

    dataset: Dataset
    own: Split
    strangers: Mapping[str, Split]
    recipe: Mapping[str, Any]
    is_fitted_once: bool = False


def main() -> None:
    options = _options()
    results = ResultFile("rejection", ("data", "strangers", "format"), keep=not options.quick)
    start()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GREYCARD_CACHE"] = str(Path(folder, "cache"))
        for name in options.data or _DATA:
            _measure(results, name, options, Path(folder))


def _measure(results: ResultFile, name: str, options: argparse.Namespace, folder: Path) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    scorer = None
    for seed in range(options.rounds):
        given = _DATA[name](seed, options.quick)
        if scorer is None or not given.is_fitted_once:
            changes = {"out": folder / "runs", "seed": seed, "quiet": True, "name": name, **given.recipe}
            scorer = Scorer(greycard.train(given.dataset, **changes), given.dataset)
        for what, figures in _figures(scorer, given).items():
            found.setdefault(what, []).append(figures)
        if seed == 0:
            _put_exports(results, name, scorer, given, folder)
        for what, rounds in found.items():
            results.put({"model": scorer.run.recipe.architecture} | _row(name, what, rounds, given))


class Scorer:
    """Every score of images, larger for stranger ones; each image is computed once.

    Args:
        run: its bank of training images is that of all scores.
        dataset: that it was trained on.
    """

    def __init__(self, run: greycard.Run, dataset: Dataset) -> None:
        import keras

        from greycard.models.calibrated import logits_of

        model, stored = run._trained, run.rejection
        assert stored is not None
        self.run, self._strangeness, self._found = run, stored.strangeness, dict[str, np.ndarray]()
        self._model = keras.Model(model.network.inputs[0], [model.head_input, logits_of(model)])
        rows = bank_rows(dataset.train.labels, run.recipe.training.seed)
        self._labels = dataset.train.labels[rows]
        self._bank, _ = self._computed(dataset.train.take(rows))

    def of(self, split: Split) -> dict[str, np.ndarray]:
        """The scores of images, float (n,) by name."""
        new = split.take([row for row, id in enumerate(split.ids) if id not in self._found])
        if len(new):
            self._found |= dict(zip(new.ids, np.stack(self._scores(*self._computed(new)), axis=1), strict=True))
        rows = np.stack([self._found[id] for id in split.ids])
        return dict(zip(SCORES, rows.T, strict=True))

    def pixels(self, split: Split) -> np.ndarray:
        """Images as the run decodes them, uint8 (n, height, width, channels)."""
        data = self.run.recipe.data
        return np.asarray(load_arrays(split, data.image_size, data.channels, resize=data.resize).images)

    def _computed(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Features and logits."""
        features, units = self._model.predict(self.pixels(split), batch_size=16, verbose=0)
        return features, np.asarray(self.run.task.class_logits(units))

    def _scores(self, features: np.ndarray, logits: np.ndarray) -> list[np.ndarray]:
        return [
            self._strangeness.of(features),
            others.nearest(self._bank, features, NEIGHBOURS),
            others.mahalanobis(self._bank, self._labels, features),
            others.energy(logits),
            others.max_logit(logits),
            others.max_softmax(np.asarray(self.run.task.class_probabilities(logits))),
        ]


def _row(name: str, what: str, rounds: list[dict[str, Any]], given: Round) -> dict[str, Any]:
    """The figures of every round, by score."""
    figures = {figure: {score: [each[figure][score] for each in rounds] for score in SCORES} for figure in rounds[0]}
    counts = {
        "train_images": len(given.dataset.train),
        "calibration_images": len(given.dataset.validation),
        "own_images": len(given.own),
        "stranger_images": len(given.strangers[what]),
    }
    return {"data": name, "strangers": what, "share": SHARE, "seeds": len(rounds), **counts, **figures}


def _figures(scorer: Scorer, given: Round) -> dict[str, dict[str, dict[str, float]]]:
    """For each kind of strangers: AUROC, caught share, and refused share of own images, by score."""
    own = scorer.of(given.own)
    limits = {name: limit(values, SHARE) for name, values in scorer.of(given.dataset.validation).items()}
    found = {}
    for what, split in given.strangers.items():
        asked, truth = scorer.of(split), np.repeat([0, 1], [len(given.own), len(split)])
        found[what] = {
            "auroc": {name: float(roc_auc_score(truth, np.append(own[name], asked[name]))) for name in SCORES},
            "caught": {name: float(np.mean(asked[name] > limits[name])) for name in SCORES},
            "own": {name: float(np.mean(own[name] > limits[name])) for name in SCORES},
        }
    return found


def _put_exports(results: ResultFile, name: str, scorer: Scorer, given: Round, folder: Path) -> None:
    """What each exported file refuses by its own limit, beside the run itself."""
    run, asked = scorer.run, {"own": given.own, **given.strangers}
    promised = run.summary.rejection
    assert promised is not None
    asked = {what: split.take(np.arange(min(len(split), _ASKED))) for what, split in asked.items()}
    images = {what: scorer.pixels(split) for what, split in asked.items()}
    before = {what: scorer.of(split)[SCORES[0]] > promised.limit for what, split in asked.items()}
    for form in FORMATS:
        done = run.export(form.name, folder / f"{name}{form.ending}", data=given.dataset)
        facts = json.loads(done.path.with_name(f"{done.path.name}.json").read_text(encoding="utf-8"))
        engine = form.open(done.path)
        refused = {what: _strangeness(engine, each) > facts["refuse_above"] for what, each in images.items()}
        results.put(
            {
                "data": name,
                "format": form.name,
                "share": promised.share,
                "calibration_images": promised.calibration_images,
                "refused": {what: float(np.mean(each)) for what, each in refused.items()},
                "original": {what: float(np.mean(each)) for what, each in before.items()},
                "same": {what: float(np.mean(refused[what] == before[what])) for what in asked},
                "images": {what: len(each) for what, each in images.items()},
            }
        )


def _strangeness(engine: Engine, images: np.ndarray) -> np.ndarray:
    return np.concatenate([engine(images[start : start + 32])[:, -1] for start in range(0, len(images), 32)])


def _fashion(seed: int, quick: bool) -> Round:
    """Seven classes; sneakers, bags and boots are the strangers. Other training images are drawn for each seed."""
    whole, random = load_dataset("fashion-mnist", data_dir()), np.random.default_rng(seed)
    known, train, test = 7, whole.train, whole.validation
    rows = random.permutation(np.flatnonzero(train.labels < known))
    first, last = (700, 900) if quick else (2_000, 3_000)
    dataset = _dataset(
        "fashion-mnist", whole.classes[:known], train.take(np.sort(rows[:first])), train.take(np.sort(rows[first:last]))
    )
    some = test.take(np.arange(500 if quick else 2_000))
    own, strangers = (some.take(np.flatnonzero(which)) for which in (some.labels < known, some.labels >= known))
    recipe = {"conv": (32, 64), "dense": (128,), "epochs": 1 if quick else 4, "augmentation": None}
    return Round(dataset, _marked(own, "own"), _strangers("classes left out", strangers, (28, 28, 1)), recipe)


def _sample(seed: int, quick: bool) -> Round:
    """Rendered cats and dogs; rabbits are the strangers. Every seed renders other images."""
    sizes, side = (60, 60, 60) if quick else (200, 150, 150), 48
    parts = []
    for place, (what, count) in enumerate(zip(("train", "validation", "own"), sizes, strict=True)):
        begin = sum(sizes[:place])
        drawn = [render(kind, seed=seed, index=begin + n, size=side) for kind in CLASSES[:2] for n in range(count)]
        parts.append(_split(what, np.stack(drawn), np.repeat([0, 1], count)))
    strangers = np.stack([render(CLASSES[2], seed=seed, index=n, size=side) for n in range(sizes[2])])
    recipe = {
        "conv": (16, 32, 64),
        "dense": (64,),
        "epochs": 2 if quick else 12,
        "augmentation": None,
    }
    asked = _strangers("classes left out", _split("strangers", strangers), (side, side, 3))
    return Round(_dataset("sample", CLASSES[:2], *parts[:2]), parts[2], asked, recipe)


def _horses(seed: int, quick: bool) -> Round:
    """Half of the validation images set the limit and the others measure: the training images look different."""
    whole, cats = load_dataset("horse-or-human", data_dir()), load_dataset("cats-and-dogs-filtered", data_dir())
    rows = np.random.default_rng(seed).permutation(len(whole.validation))
    halves = [whole.validation.take(np.sort(each)) for each in np.array_split(rows, 2)]
    train = whole.train.limited(100, 0) if quick else whole.train
    given = cats.validation.take(np.flatnonzero(cats.validation.labels == 0)[: 50 if quick else 200])
    dataset = _dataset("horse-or-human", whole.classes, train, halves[0])
    return Round(dataset, halves[1], _strangers("cats", given, (224, 224, 3)), {}, is_fitted_once=True)


def _dataset(name: str, classes: tuple[str, ...], train: Split, validation: Split) -> Dataset:
    return Dataset(name, tuple(classes), _marked(train, "train"), _marked(validation, "validation"))


def _marked(split: Split, what: str) -> Split:
    """With ids that no other split has; files have such ids."""
    if isinstance(split.images, tuple):
        return split
    return replace(split, ids=tuple(f"{what}/{id}" for id in split.ids))


def _split(what: str, images: np.ndarray, labels: np.ndarray | None = None) -> Split:
    ids = tuple(f"{what}/{number}" for number in range(len(images)))
    return Split(ids, np.zeros(len(images), np.int64) if labels is None else labels, images)


def _strangers(what: str, split: Split, shape: tuple[int, int, int]) -> dict[str, Split]:
    return {what: _marked(split, "strangers"), **{each: _split(each, _made(each, shape)) for each in _OTHERS}}


def _made(what: str, shape: tuple[int, int, int]) -> np.ndarray:
    """Images of noise, of black with a little noise, or of black text on white, uint8 (n, *shape)."""
    random, full = np.random.default_rng(0), (_SAME, *shape)
    if what == "noise":
        return random.integers(0, 256, full, dtype=np.uint8)
    if what == "black":
        return random.integers(0, 4, full, dtype=np.uint8)
    drawn = np.stack([_text(shape[:2], random) for _ in range(_SAME)])
    return np.repeat(drawn[..., None], shape[2], axis=3)


def _text(size: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Lines of random letters, drawn at four times the size as a screen would show them."""
    height, width = 4 * size[0], 4 * size[1]
    page = Image.new("L", (width, height), 255)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz      "))
    draw = ImageDraw.Draw(page)
    for top in range(4, height, 14):
        draw.text((4, top), "".join(random.choice(letters, width // 6)), fill=0)
    return np.asarray(page.resize((size[1], size[0]), Image.Resampling.BILINEAR))


_DATA: dict[str, Callable[[int, bool], Round]] = {
    "horse-or-human": _horses,
    "fashion-mnist": _fashion,
    "sample": _sample,
}


def _options() -> argparse.Namespace:
    made = parser(__doc__, rounds=10)
    made.add_argument("data", nargs="*", choices=[*_DATA, []], metavar="DATA", help=f"of {', '.join(_DATA)}")
    options = made.parse_args()
    options.rounds = 2 if options.quick else options.rounds
    return options


if __name__ == "__main__":
    main()
