from __future__ import annotations

import dataclasses

import pytest

from tfft.data import Columns, NumberColumns, TagColumns, check_length
from tfft.errors import ConfigError


@pytest.mark.parametrize("kind", [Columns, TagColumns, NumberColumns])
def test_tables_of_all_tasks_name_path_split_and_group_alike(kind: type) -> None:
    names = {field.name: field.default for field in dataclasses.fields(kind)}
    assert {name: names[name] for name in ("image", "split", "group")} == {
        "image": "path",
        "split": None,
        "group": None,
    }


def test_a_length_leaves_room_for_a_text() -> None:
    check_length("length", "auto")
    check_length("length", 8)
    with pytest.raises(ConfigError, match=r"`target_length` is at least 8.*Received: target_length=7\. Or `auto`"):
        check_length("target_length", 7)
