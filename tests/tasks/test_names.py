"""A recipe accepts the tasks of the table, and no others."""

from __future__ import annotations

import pytest

from greycard.core.errors import GreycardError
from greycard.recipe.data import DataConfig
from greycard.tasks.tasks import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_accepts_every_task(name: str) -> None:
    assert DataConfig(dataset="mnist", task=name).task == name


def test_another_task_is_refused_with_all_names() -> None:
    with pytest.raises(GreycardError, match=f"task must be one of {', '.join(sorted(NAMES))}"):
        DataConfig(dataset="mnist", task="detection")
