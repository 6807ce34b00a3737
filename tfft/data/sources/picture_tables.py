"""Reads tables of pictures: a path and its truth in each row."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tfft.data.choices import Columns
from tfft.data.records import Record, Truth, split_name
from tfft.data.sources.tables import table_rows
from tfft.data.truths.labels import Label
from tfft.errors import ConfigError, DataError, listed, nearest


class Places(Protocol):
    """Names of the columns that every table of pictures has, whatever its task."""

    image: str
    split: str | None
    group: str | None


def records(table: Path, columns: Columns) -> list[Record]:
    """Returns the records of a table with a class for each picture; see `table_records`."""

    def truth(cells: Mapping[str, str], where: str) -> Label:
        return Label(cells[columns.label])

    rows = table_records(table, columns, [columns.label], truth)
    _check_trained(rows, table)
    return rows


def table_records(
    table: Path,
    columns: Places,
    values: Sequence[str],
    truth: Callable[[Mapping[str, str], str], Truth],
    *,
    empty: bool = False,
) -> list[Record]:
    """Returns the records of a table delimited by comma, semicolon or tab; paths are relative to its folder.

    Accents may be written in either Unicode form: names are normalized to NFC.

    Args:
        table: The file.
        columns: Names of the columns of path, split and group.
        values: Names of the columns of the truth.
        truth: From the cells of `values`, without spaces around them, and the place of the row to the truth.
        empty: Whether these cells may be empty.

    Raises:
        ConfigError: If `values` is empty or names a column twice.
        DataError: If a column, a cell or a file is missing, a path leads out of the table's folder, or a picture
            is listed twice, naming the row.
    """
    if not values or len(set(values)) < len(values):
        raise ConfigError(
            f"The columns to learn must be named, each once (got {listed(map(repr, values)) or 'none'})",
            fix="Check `--columns.*`, see `--help`",
        )
    filled = [name for name in (columns.image, columns.split, columns.group) if name]
    row_of: dict[Path, int] = {}
    result = []
    for number, row in table_rows(table, [*filled, *values]):
        where = f"{table.name} row {number}"
        cells = _cells(row, [*filled, *values], filled if empty else [*filled, *values], where)
        path = _picture_path(table.parent, cells[columns.image], where)
        if (before := row_of.setdefault(path.resolve(), number)) != number:
            raise DataError(
                f"{cells[columns.image]} is listed twice, in rows {before} and {number} of {table.name}",
                fix="Remove one of the rows",
            )
        result.append(
            Record(
                content=path,
                truth=truth({name: unicodedata.normalize("NFC", cells[name]) for name in values}, where),
                where=f"{cells[columns.image]} ({where})",
                split=split_name(cells[columns.split], where) if columns.split else None,
                group=unicodedata.normalize("NFC", cells[columns.group]) if columns.group else None,
            )
        )
    if not result:
        raise DataError(f"{table} has only a header", fix="Add a row for each picture")
    return result


def _cells(row: Mapping[str, str | None], names: Sequence[str], filled: Sequence[str], where: str) -> dict[str, str]:
    """The cells of the named columns without spaces around them; those of `filled` may not be empty."""
    if len(filled) < len(names) and None in row.values():  # a missing cell is not an empty one
        raise DataError(
            f"{where} has fewer cells than the header", fix="Write a delimiter before each cell, even an empty one"
        )
    cells = {name: (row[name] or "").strip() for name in names}
    for name in filled:
        if not cells[name]:
            raise DataError(f"Empty cell in column {name!r}, {where}", fix="Fill it in, or remove the row")
    return cells


def _picture_path(folder: Path, name: str, where: str) -> Path:
    path = folder / name
    try:
        exists, inside = path.is_file(), path.resolve().is_relative_to(folder.resolve())
    except (ValueError, OSError, RuntimeError) as error:  # not a path: with a NUL, too long, a loop of links
        raise DataError(f"Invalid path in {where}: {error}", fix="Correct it, or remove the row") from None
    if not inside:
        raise DataError(
            f"Picture outside of the table's folder: {name} ({where})",
            fix="Move the table to a folder above its pictures",
        )
    if not exists:
        raise DataError(f"Picture not found: {path} ({where})", fix="Paths are relative to the table")
    return path


def _check_trained(rows: list[Record], table: Path) -> None:
    trained = {record.truth.name for record in rows if record.split in (None, "train")}
    for record in rows:
        if trained and record.truth.name not in trained:
            raise DataError(
                f"Class {record.truth.name!r} has no training rows: it is only in the {record.split} rows of {table}, "
                f"first in {record.where}",
                fix=f"Nearest class with training rows: {nearest(record.truth.name, sorted(trained))}",
            )
