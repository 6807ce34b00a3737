from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tfft.data import Columns, NumberColumns, TagColumns, check_length
from tfft.errors import ConfigError


def test_tables_of_all_tasks_name_path_split_and_group_alike() -> None:
    for kind in (Columns, TagColumns, NumberColumns):
        names = {field.name: field.default for field in dataclasses.fields(kind)}
        assert (names["image"], names["split"], names["group"]) == ("path", None, None)


def test_a_length_leaves_room_for_a_text(refused: Callable[..., None]) -> None:
    check_length("length", "auto")
    check_length("length", 8)
    refused(ConfigError, ("`target_length`", "8", "7", "`auto`"), check_length, "target_length", 7)
