"""The rows of a CSV or TSV file."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tfft.errors import DataError, listed, nearest


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
