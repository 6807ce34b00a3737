from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from tfft.data import Columns, Length, NumberColumns, TagColumns
from tfft.errors import ConfigError
from tfft.fields import check_fields


def test_tables_of_all_tasks_name_path_split_and_group_alike() -> None:
    for kind in (Columns, TagColumns, NumberColumns):
        names = {field.name: field.default for field in dataclasses.fields(kind)}
        assert (names["image"], names["split"], names["group"]) == ("path", None, None)


def test_a_length_leaves_room_for_a_text(refused: Callable[..., None]) -> None:
    @dataclass
    class Lengths:
        length: Length = "auto"
        target_length: Length = "auto"

    check_fields(Lengths())
    check_fields(Lengths(8, 8))
    refused(ConfigError, ("`target_length`", "8", "7", "`auto`"), check_fields, Lengths(target_length=7))
    refused(ConfigError, ("`length`", "8", "7", "`auto`"), check_fields, Lengths(length=7))
