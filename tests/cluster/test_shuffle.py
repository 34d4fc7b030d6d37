"""A shuffle finds the groups of equal keys, in any number of splits and buckets."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greycard.cluster.shuffle import KEY_BYTES, Join, Split, equal_rows
from greycard.storage.folders import Folder, LocalFolder

pytest.importorskip("pyarrow", reason="needs pyarrow (the extra `parquet`)")


@dataclass(frozen=True)
class Keys:
    """Rows with these keys, counted from `first`."""

    first: int
    keys: tuple[bytes, ...]

    @property
    def images(self) -> int:
        return len(self.keys)

    def table(self, folder: Folder) -> Any:
        import pyarrow as pa

        columns = {"key": pa.array(self.keys, pa.binary(KEY_BYTES)), "row": np.arange(self.images) + self.first}
        return pa.table(columns)


# Few different ones, and some that differ in the last byte only.
KEYS = st.one_of(st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES), st.integers(0, 5).map(lambda n: n.to_bytes(16)))


@given(st.lists(st.lists(KEYS, max_size=12), min_size=1, max_size=4), st.integers(1, 5))
@settings(max_examples=40)
def test_the_groups_of_equal_keys_are_found(splits: list[list[bytes]], buckets: int) -> None:
    expected = defaultdict(list)
    for row, key in enumerate(key for keys in splits for key in keys):
        expected[key].append(row)
    with tempfile.TemporaryDirectory() as place:
        folder, first = LocalFolder(Path(place)), 0
        for number, keys in enumerate(splits):
            unit = Split(number, Keys(first, tuple(keys)), buckets)
            unit.write(folder, folder.path / unit.file)
            first += len(keys)
        for bucket in range(buckets):
            join = Join(bucket, len(splits), 1)
            join.write(folder, folder.path / join.file)
        found = [[row["row"] for row in group] for group in equal_rows(folder, buckets)]
    assert found == [rows for _, rows in sorted(expected.items()) if len(rows) > 1]
