"""Pictures from a table: a path and what is known of it in each row."""

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
    """Names of the columns that every table of pictures has, whatever it says of them."""

    image: str
    split: str | None
    group: str | None


def records(table: Path, columns: Columns) -> list[Record]:
    """Records of a table with a class for each picture; see `table_records`."""

    def truth(cells: Mapping[str, str], where: str) -> Label:
        return Label(cells[columns.label])

    found = table_records(table, columns, [columns.label], truth)
    _check_known_classes(found, table)
    return found


def table_records(
    table: Path,
    columns: Places,
    values: Sequence[str],
    truth: Callable[[Mapping[str, str], str], Truth],
    *,
    empty: bool = False,
) -> list[Record]:
    """Records of a table; paths are relative to its folder. Comma, semicolon and tab are recognized.

    Names that look alike are one: an accent behind its letter (NFD) and a letter with its accent (NFC).

    Args:
        table: The file.
        columns: Where path, split and group stand.
        values: Names of the columns that hold the truth.
        truth: From the cells of `values`, without spaces around them, and the place of the row.
        empty: Whether these cells may be empty.

    Raises:
        ConfigError: If `values` names no column, or one twice.
        DataError: Naming the row: a missing column, an empty cell, a missing file, a path outside the
            table's folder, a picture listed twice.
    """
    if not values or len(set(values)) < len(values):
        raise ConfigError(
            "What is to be learned stands in at least one column, and each is named once",
            received=listed(map(repr, values)) or "none",
            fix="Check `--columns.*`, see `--help`",
        )
    filled = [name for name in (columns.image, columns.split, columns.group) if name]
    found: dict[Path, int] = {}
    result = []
    for number, row in table_rows(table, [*filled, *values]):
        where = f"{table.name} row {number}"
        if empty and None in row.values():  # a cell that is not there is no empty one
            raise DataError(
                "Every row has as many cells as the header",
                received=f"fewer in {where}",
                fix="Write a delimiter before each cell, the empty ones too",
            )
        cells = {name: (row[name] or "").strip() for name in (*filled, *values)}
        for name in filled if empty else cells:
            if not cells[name]:
                raise DataError(f"Column {name!r} has a value in every row", received=f"an empty cell in {where}")
        path = _picture_path(table.parent, cells[columns.image], where)
        if (before := found.setdefault(path.resolve(), number)) != number:
            raise DataError(
                "Every picture is listed once",
                received=f"{cells[columns.image]} in rows {before} and {number} of {table.name}",
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
        raise DataError("The table has rows", received=f"only a header in {table}")
    return result


def _picture_path(folder: Path, name: str, where: str) -> Path:
    path = folder / name
    try:
        there, inside = path.is_file(), path.resolve().is_relative_to(folder.resolve())
    except (ValueError, OSError, RuntimeError) as error:  # no path at all: a NUL in it, too long, a loop of links
        raise DataError(
            "A picture's path is one the system knows",
            received=f"{error} in {where}",
            fix="Correct it, or remove the row",
        ) from None
    if not inside:
        raise DataError(
            "A picture of a table lies in the table's folder or below it",
            received=f"{name} in {where}",
            fix="Move the table to a folder above its pictures",
        )
    if not there:
        raise DataError(
            "The picture exists", received=f"no file {path} ({where})", fix="Paths are relative to the table"
        )
    return path


def _check_known_classes(found: list[Record], table: Path) -> None:
    trained = {record.truth.name for record in found if record.split in (None, "train")}
    for record in found:
        if trained and record.truth.name not in trained:
            raise DataError(
                "Every class has training rows",
                received=f"class {record.truth.name!r} only in the {record.split} rows of {table}, "
                f"first {record.where}",
                fix=f"Nearest class with training rows: {nearest(record.truth.name, sorted(trained))}",
            )
