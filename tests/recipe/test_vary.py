"""`--vary` and `--seeds`: what they accept, and that every combination is there once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greycard.core.errors import GreycardError
from greycard.recipe.vary import checked_seeds, combinations, parse_seeds, parse_varied, varied_fields


def test_values_are_those_of_set() -> None:
    found = parse_varied(["learning_rate=0.003, 1e-3", "conv=(32,64),(8),none", "optimizer=adam,sgd"])
    assert found == {"learning_rate": (0.003, 0.001), "conv": ((32, 64), (8,), None), "optimizer.kind": ("adam", "sgd")}


def test_a_field_has_one_name() -> None:
    assert list(parse_varied(["optimizer.learning_rate=1,2"])) == ["learning_rate"]
    with pytest.raises(GreycardError, match="is there twice"):
        parse_varied(["learning_rate=1,2", "optimizer.learning_rate=3,4"])
    with pytest.raises(GreycardError, match="both set and varied"):
        varied_fields({"learning_rate": (1, 2)}, {"optimizer.learning_rate": 3})


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-4", (0, 1, 2, 3, 4)), ("7", (7,)), ("0-2,9, 5", (0, 1, 2, 9, 5)), ("3-3", (3,))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "0-", "-1", "1,,2", "0-4-5", "a", "1.5", "0-100000"])
def test_no_seeds(text: str) -> None:
    with pytest.raises(GreycardError):
        parse_seeds(text)


@pytest.mark.parametrize("seeds", [[True], [1.5], ["0"], [-1]])
def test_seeds_in_python_are_whole_numbers(seeds: list[object]) -> None:
    with pytest.raises(GreycardError, match="a seed is a whole number"):
        checked_seeds(seeds)


@given(st.dictionaries(st.sampled_from(["batch_size", "epochs", "dense"]), st.sets(st.integers(1, 9), min_size=2)))
def test_every_combination_is_there_once(vary: dict[str, set[int]]) -> None:
    given = {name: tuple(values) for name, values in vary.items()}
    found = combinations(varied_fields(given, {}))
    expected = 1
    for values in given.values():
        expected *= len(values)
    assert len(found) == len({tuple(each.items()) for each in found}) == expected
