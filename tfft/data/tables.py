"""Pictures from a table: a CSV or TSV file with a path and what is known of it in each row."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tfft.data.choices import Columns
from tfft.data.labels import Label
from tfft.data.records import Record, split_name
from tfft.data.truths import Truth
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


def table_rows(table: Path, columns: list[str], flag: str = "--data") -> list[tuple[int, dict[str, str | None]]]:
    """The rows with their line numbers, after a look at the header; `flag` is where the person named the table."""
    text = table_text(table, flag)
    if not text.strip():
        raise DataError("The table has rows", received=f"an empty file {table}", fix=f"Check `{flag}`")
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
        _check_header([name for name in reader.fieldnames if name], columns, table, flag)
        rows = [(before + reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(
            "The table is well-formed CSV",
            received=f"{error} in {table} row {before + reader.reader.line_num}",
            fix="Look for a quote that is opened and not closed; one inside a text is written twice, within quotes",
        ) from None
    for number, row in rows:
        if None in row:
            raise DataError(
                "Every row has as many cells as the header",
                received=f"{len(row[None])} more in {table.name} row {number}",
                fix="Put a cell that holds the delimiter in quotes; write numbers with a decimal point, as 1.5",
            )
    return rows


def _quotes_nothing(text: str) -> bool:
    """Whether quotes in a file with tabs are part of its texts: every line has as many cells as the header, and some
    cell begins with a quote that is not that of a quoted one."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len({line.count("\t") for line in lines}) > 1:
        return False
    quoted = [cell for line in lines for cell in line.removesuffix("\r").split("\t") if cell.startswith('"')]
    return not all(re.fullmatch(r'"(?:[^"]|"")*"', cell) for cell in quoted)


def table_text(table: Path, flag: str = "--data") -> str:
    """All that stands in a file of rows; `flag` is where the person named it."""
    if not table.is_file():  # a pipe or a device would never end
        what = "the folder" if table.is_dir() else "a pipe or device," if table.exists() else "no file"
        raise DataError("Rows stand in a file", received=f"{what} {table}", fix=f"Check `{flag}`")
    try:
        return table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        row = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            "The file is UTF-8 text",
            received=f"byte {error.start} of {table} (row {row}) is not",
            fix="Save it again as UTF-8",
        ) from None


def _check_header(there: Sequence[str], columns: Sequence[str], table: Path, flag: str) -> None:
    if doubled := [name for name, count in Counter(there).items() if count > 1]:
        raise DataError("Every column has a name of its own", received=f"two columns {doubled[0]!r} in {table}")
    if missing := [name for name in columns if name not in there]:
        # only the table of `--data` has flags for the names of its columns
        change = "Name the right ones with `--columns.*`, see `--help`" if flag == "--data" else "Correct its header"
        raise DataError(
            f"The table has a column {missing[0]!r}",
            received=f"columns {listed(map(repr, there)) or 'none'} in {table}",
            fix=f"{change}; nearest: {nearest(missing[0], there)}",
        )


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
