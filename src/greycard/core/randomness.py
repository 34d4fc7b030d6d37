"""Counter-based randomness: every random stream depends only on its purpose, the seed and the epoch."""

from __future__ import annotations

import numpy as np

ORDER, AUGMENTATION, SPLIT, SUBSET, MIXING, CROP, WINDOW, COLOUR, CUTOUT, TRIVIAL, FOLDS, BANK = range(12)
BOOTSTRAP, HALVES, PARTS = 12, 13, 14
"""The purposes of random numbers: two purposes with the same seed get different numbers."""


def generator(purpose: int, seed: int, counter: int = 0) -> np.random.Generator:
    """A Philox generator for (purpose, seed, counter); the same arguments always give the same numbers.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011), as NumPy's `Philox`.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([purpose, seed, counter])))


def between(pair: tuple[float, float], uniform: np.ndarray) -> np.ndarray:
    """Map random numbers from 0 to 1 to a range, (low, high)."""
    return pair[0] + (pair[1] - pair[0]) * uniform
