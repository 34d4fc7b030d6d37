"""The two datasets in the package: six house prices, and scikit-learn's handwritten digits."""

from __future__ import annotations

import numpy as np

from greycard.datasets.dataset import Dataset, Split, SplitMethod
from greycard.datasets.splits import stratified_split

_PAIRS = ((1, 1.0), (3, 2.0), (5, 3.0), (8, 4.5), (10, 5.5))
_ASKED = ((7, 4.0),)


def house_prices() -> Dataset:
    """Bedrooms → price in 100,000s: five training pairs and one validation pair."""
    return Dataset("house-prices", (), _priced(_PAIRS), _priced(_ASKED))


def _priced(pairs: tuple[tuple[int, float], ...]) -> Split:
    bedrooms, prices = np.array(pairs, dtype=np.float32).T
    return Split(tuple(f"{n} bedrooms" for n, _ in pairs), prices, bedrooms[:, None])


def digits(classes: tuple[str, ...], *, val_fraction: float, split_seed: int) -> Dataset:
    """1,797 real handwritten digits of 8×8 pixels, their 17 grey levels spread over 0 to 255."""
    from sklearn.datasets import load_digits  # takes most of a second to import

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    whole = Split(tuple(f"digit/{row}" for row in range(len(images))), bunch.target.astype(np.int64), images)
    train, validation = stratified_split(whole.labels, val_fraction, split_seed)
    method = SplitMethod(val_fraction, split_seed)
    return Dataset("digits", classes, whole.take(train), whole.take(validation), split=method)
