"""A table beside a folder of masks that selects pictures and sets their splits and groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tfft.data.records import Record, split_name
from tfft.data.sources import tables
from tfft.errors import DataError, listed, nearest

COLUMNS = ("name", "split", "group")
"""Columns of the table; others are ignored."""


def chosen_by_table(records: Sequence[Record], table: Path) -> list[Record]:
    """Returns the records that a table names, with the splits and groups of the table."""
    by_name: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in records:
        if isinstance(record.content, bytes):
            continue  # a mask without a picture
        path = Path(record.where.partition("images/")[2])
        for key in (path.name, path.stem, path.as_posix(), path.with_suffix("").as_posix(), record.where):
            by_name[key][record.where] = record
    chosen: dict[str, Record] = {}
    rows = tables.table_rows(table, ["name"], "--table", naming=None)
    for name in rows[0][1] if rows else ():
        if name not in COLUMNS and name.lower() in COLUMNS:
            raise DataError(
                f"Unknown column {name!r} in {table}; `--table` reads {listed(map(repr, COLUMNS))}",
                fix=f"Rename it to {name.lower()!r}",
            )
    for number, row in rows:
        where = f"{table.name} row {number}"
        name = (row["name"] or "").strip()
        if name not in by_name:
            raise DataError(
                f"Picture {name!r} not found in images/ ({where})",
                fix=f"Nearest: {nearest(name, by_name)}",
            )
        if len(by_name[name]) > 1:
            raise DataError(
                f"{name!r} in {where} names several pictures: {listed(by_name[name], most=3)}",
                fix="Write the folders before the name",
            )
        (record,) = by_name[name].values()
        if record.where in chosen:
            raise DataError(f"{name!r} is listed again in {where}", fix="Remove one of the rows")
        split, group = (row.get("split") or "").strip(), (row.get("group") or "").strip()
        chosen[record.where] = replace(
            record, split=split_name(split, where) if "split" in row else record.split, group=group or None
        )
    if not chosen:
        raise DataError(f"{table} has only a header", fix="Check `--table`")
    return list(chosen.values())
