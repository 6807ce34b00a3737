"""Reads the rows of CSV and TSV files."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tfft.errors import DataError, listed, nearest

COLUMNS = "`--columns.*`, see `--help`"
"""The flags that name the columns of the data."""


def table_rows(
    table: Path, columns: list[str], flag: str = "--data", naming: str | None = COLUMNS
) -> list[tuple[int, dict[str, str | None]]]:
    """Returns the rows of a table with their line numbers, after a check of its header.

    Args:
        table: The file.
        columns: Names of columns that it must have.
        flag: The flag that names the table.
        naming: The flag that names the columns; None if their names are fixed.
    """
    text = table_text(table, flag)
    if not text.strip():
        raise DataError(f"{table} is empty", fix=f"Check `{flag}`")
    blank = re.match(r"(?:\s*\n)?", text).group()  # lines before the header
    text = text.removeprefix(blank)
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    before = blank.count("\n")
    if delimiter == "\t" and _quotes_nothing(text):
        reader = csv.DictReader(text.split("\n"), delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or []]  # as in `text, label`
        _check_header([name for name in reader.fieldnames if name], columns, table, naming)
        rows = [(before + reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(
            f"{table} row {before + reader.reader.line_num} is not valid CSV: {error}",
            fix="Look for a quote that is not closed; write a quote inside a quoted cell twice",
        ) from None
    for number, row in rows:
        if None in row:
            raise DataError(
                f"{table.name} row {number} has more cells than the header ({len(row[None])} too many)",
                fix="Quote cells that contain the delimiter; write numbers with a decimal point, as 1.5",
            )
    return rows


def _quotes_nothing(text: str) -> bool:
    """Returns whether the quotes in a tab-delimited file are part of its texts.

    They are if every line has as many cells as the header, and a cell begins with a quote but is not a quoted cell.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if len({line.count("\t") for line in lines}) > 1:
        return False
    quoted = [cell for line in lines for cell in line.removesuffix("\r").split("\t") if cell.startswith('"')]
    return not all(re.fullmatch(r'"(?:[^"]|"")*"', cell) for cell in quoted)


def table_text(table: Path, flag: str = "--data") -> str:
    """Returns the text of a file of rows, which `flag` names."""
    if not table.is_file():  # reading a pipe or a device may never end
        kind = "a folder" if table.is_dir() else "a pipe or device"
        problem = f"{table} is {kind}, not a file" if table.exists() else f"File not found: {table}"
        raise DataError(problem, fix=f"Check `{flag}`")
    try:
        return table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        row = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{table} is not UTF-8 text at byte {error.start} (row {row})", fix="Save it again as UTF-8"
        ) from None


def _check_header(names: Sequence[str], columns: Sequence[str], table: Path, naming: str | None) -> None:
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{table} has several columns {repeated[0]!r}", fix="Rename all but one of them")
    if missing := [name for name in columns if name not in names]:
        change = f"Name the right ones with {naming}" if naming else "Correct its header"
        raise DataError(
            f"Column {missing[0]!r} not found in {table}, which has {listed(map(repr, names)) or 'none'}",
            fix=f"{change}; nearest: {nearest(missing[0], names)}",
        )
