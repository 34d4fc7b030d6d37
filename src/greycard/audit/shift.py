"""Test for distribution shift: a classifier tries to separate training from validation images."""

from __future__ import annotations

import math

import cv2
import numpy as np

from greycard.audit.facts import Shift
from greycard.core.randomness import SUBSET, generator

_MOST = 1_000
"""The maximum number of images of each split that are used."""

_FEWEST = 20
_FOLDS = 5
_SIDE, _GRID, _EDGE = 32, 4, 3


def find_shift(train: np.ndarray, validation: np.ndarray, seed: int = 0) -> Shift | None:
    """The cross-validated AUC of a classifier that uses colour, brightness, sharpness and background.

    Args:
        train: uint8 (n, height, width, 1 or 3).
        validation: uint8 (m, height, width, the same).
        seed: seed of the sample, if there are many images.

    Returns:
        The shift; None if a split has fewer than 20 images.

    Source: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests" (2017).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    if min(len(train), len(validation)) < _FEWEST:
        return None
    parts = [_described(sample(part, seed)) for part in (train, validation)]
    features, origin = np.concatenate(parts), np.repeat([0, 1], [len(part) for part in parts])
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    products = PolynomialFeatures(2, include_bias=False)  # they show spread and correlations
    model = make_pipeline(StandardScaler(), products, LogisticRegression(C=0.01, max_iter=500))
    answers = cross_val_predict(model, features, origin, cv=folds, method="predict_proba")[:, 1]
    auc = float(roc_auc_score(origin, answers))
    reach = 1.96 * _standard_error(auc, *(len(part) for part in parts))
    return Shift(auc, max(0.0, auc - reach), min(1.0, auc + reach), _telling(features, origin))


def sample(part: np.ndarray, seed: int = 0) -> np.ndarray:
    """At most as many rows as a test uses, in order; a test of these rows is a test of all."""
    if len(part) <= _MOST:
        return part
    return part[np.sort(generator(SUBSET, seed).permutation(len(part))[:_MOST])]


_NAMES = (
    "brightness",
    "contrast",
    "colourfulness",
    "redness",
    "blueness",
    "sharpness",
    "brightness of the edge",
    "contrast of the edge",
    *(
        f"brightness in row {row}, column {column} of {_GRID}"
        for row in range(1, _GRID + 1)
        for column in range(1, _GRID + 1)
    ),
)


def _described(images: np.ndarray) -> np.ndarray:
    """The features of `_NAMES` for each image, float32 (n, features)."""
    return np.array([_describe(image) for image in images], np.float32)


def _describe(image: np.ndarray) -> list[float]:
    colour = image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)
    values = cv2.resize(colour, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    red, green, blue = (values[:, :, channel] for channel in range(3))
    grey = 0.299 * red + 0.587 * green + 0.114 * blue
    edge = grey[_border()]
    fields = cv2.resize(grey, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return [
        grey.mean(),
        grey.std(),
        np.abs(red - green).mean() + np.abs(green - blue).mean(),
        (red - green).mean(),
        (blue - green).mean(),
        cv2.Laplacian(grey, cv2.CV_32F).std(),
        edge.mean(),
        edge.std(),
        *fields.ravel(),
    ]


def _border() -> np.ndarray:
    inside = np.zeros((_SIDE, _SIDE), dtype=bool)
    inside[_EDGE:-_EDGE, _EDGE:-_EDGE] = True
    return ~inside


def _telling(features: np.ndarray, origin: np.ndarray) -> tuple[str, ...]:
    """The names of the three features that individually differ most, with the direction of the difference."""
    from sklearn.metrics import roc_auc_score

    alone = np.array([roc_auc_score(origin, column) for column in features.T])
    ranked = np.argsort(-np.abs(alone - 0.5))[:3]
    return tuple(f"{_NAMES[place]} ({'higher' if alone[place] > 0.5 else 'lower'} in validation)" for place in ranked)


def _standard_error(auc: float, first: int, second: int) -> float:
    """The standard error of an AUC of `first` negative and `second` positive samples.

    Source: Hanley and McNeil, "The meaning and use of the area under a ROC curve" (1982).
    """
    one, other = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (second - 1) * (one - auc * auc) + (first - 1) * (other - auc * auc)
    return math.sqrt(max(spread, 0.0) / (first * second))
