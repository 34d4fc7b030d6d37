"""The split that a name means: training, validation or test, in the usual spellings."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum


class Role(Enum):
    """A split and its usual names."""

    TRAIN = "train|training|trn"
    VALIDATION = "validation|validate|validating|valid|val|development|dev|evaluation|evaluate|eval"
    TEST = "testing|test|tst|holdout|heldout"


_FILLER = "set|data|dataset|image|img|image|pic|photo|sample|example|split|folder|dir|file|part|full"
_WHOLE = {role: re.compile(rf"(?:(?:{_FILLER})s?)*(?:{role.value})s?(?:(?:{_FILLER})s?)*\d*") for role in Role}
_WORD = {role: re.compile(rf"(?:{role.value})s?") for role in Role}


def role_of(name: str) -> Role | None:
    """The split that a name means, such as `training_set`, `Val`, `test-images`; None for any other name."""
    plain = re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold()
    return next((role for role, whole in _WHOLE.items() if whole.fullmatch(plain)), None)


def role_within(name: str) -> Role | None:
    """The split that one word of a name means, such as `rps-test-set`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    found = (role for word in words for role, one in _WORD.items() if one.fullmatch(word.casefold()))
    return next(found, None)
