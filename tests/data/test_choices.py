from __future__ import annotations

import dataclasses

import pytest

from tfft.data import Columns, NumberColumns, TagColumns


@pytest.mark.parametrize("kind", [Columns, TagColumns, NumberColumns])
def test_tables_of_all_tasks_name_path_split_and_group_alike(kind: type) -> None:
    names = {field.name: field.default for field in dataclasses.fields(kind)}
    assert {name: names[name] for name in ("image", "split", "group")} == {
        "image": "path",
        "split": None,
        "group": None,
    }
