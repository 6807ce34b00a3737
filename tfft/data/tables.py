"""Labelled pictures from a table: a CSV or TSV file with a path and a label in each row."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tfft.data.records import Record, split_name
from tfft.errors import DataError, listed, nearest


@dataclass(frozen=True)
class Columns:
    """Columns of a table of pictures."""

    image: str = "path"
    """Path of the picture, relative to the table."""
    label: str = "label"
    """Its class."""
    split: str | None = None
    """train, val or test, where the table decides."""
    group: str | None = None
    """Rows of equal value (a patient, a scene) stay in one split."""


def records(table: Path, columns: Columns) -> list[Record]:
    """Records of a table; paths are relative to its folder. Comma, semicolon and tab are recognized.

    Raises:
        DataError: Naming the row: a missing column, an empty cell, a missing file, a path outside the
            table's folder, a picture listed twice.
    """
    names = [name for name in dataclasses.astuple(columns) if name]
    found: dict[Path, int] = {}
    result = []
    for number, row in _rows(table, names):
        where = f"{table.name} row {number}"
        if None in row:
            raise DataError(
                "Every row has as many cells as the header",
                received=f"{len(row[None])} more in {where}",
                fix="Put a cell that holds the delimiter in quotes",
            )
        for name in names:
            if not (row[name] or "").strip():
                raise DataError(f"Column {name!r} has a value in every row", received=f"an empty cell in {where}")
        path = _picture_path(table.parent, row[columns.image].strip(), where)
        if (before := found.setdefault(path.resolve(), number)) != number:
            raise DataError(
                "Every picture is listed once",
                received=f"{row[columns.image]} in rows {before} and {number} of {table.name}",
                fix="Remove one of the rows",
            )
        result.append(
            Record(
                picture=path,
                label=row[columns.label].strip(),
                where=f"{row[columns.image].strip()} ({where})",
                split=split_name(row[columns.split], where) if columns.split else None,
                group=row[columns.group].strip() if columns.group else None,
            )
        )
    if not result:
        raise DataError("The table has rows", received=f"only a header in {table}")
    _check_known_classes(result, table)
    return result


def _rows(table: Path, columns: list[str]) -> list[tuple[int, dict[str, str | None]]]:
    """The rows with their line numbers, after a look at the header."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError("The table exists", received=f"no file {table}", fix="Check `--data`") from None
    except IsADirectoryError:
        raise DataError("The table is a file", received=f"the folder {table}", fix="Check `--data`") from None
    except UnicodeDecodeError as error:
        raise DataError(
            "The table is UTF-8 text", received=f"byte {error.start} of {table} is not", fix="Save it again as UTF-8"
        ) from None
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    there = [name for name in reader.fieldnames or [] if name]
    if doubled := [name for name, count in Counter(there).items() if count > 1]:
        raise DataError("Every column has a name of its own", received=f"two columns {doubled[0]!r} in {table}")
    if missing := [name for name in columns if name not in there]:
        raise DataError(
            f"The table has a column {missing[0]!r}",
            received=f"columns {listed(map(repr, there)) or 'none'} in {table}",
            fix=f"Name the right ones with `--columns.image`, `--columns.label`, `--columns.split` or "
            f"`--columns.group`; nearest: {nearest(missing[0], there)}",
        )
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError("The table is well-formed CSV", received=f"{error} in {table} row {reader.line_num}") from None


def _picture_path(folder: Path, name: str, where: str) -> Path:
    path = folder / name
    try:
        there, inside = path.is_file(), path.resolve().is_relative_to(folder.resolve())
    except (ValueError, OSError) as error:  # no path at all: a NUL in it, or too long
        raise DataError("A picture's path is one the system knows", received=f"{error} in {where}") from None
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
    trained = {record.label for record in found if record.split in (None, "train")}
    for record in found:
        if trained and record.label not in trained:
            raise DataError(
                "Every class has training rows",
                received=f"class {record.label!r} only in the {record.split} rows of {table}, first {record.where}",
                fix=f"Nearest class with training rows: {nearest(record.label, sorted(trained))}",
            )
