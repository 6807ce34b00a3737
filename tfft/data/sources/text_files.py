"""Reads rows of texts from CSV, TSV and JSON lines: one file, or a folder with one for each split."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfft.data.reading.tokens import Unusable, seen, text_of
from tfft.data.records import SPLIT_NAMES, Record, content_digest
from tfft.data.sources.tables import COLUMNS, table_rows, table_text
from tfft.errors import DataError, listed, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl")


ONE_PER_LINE = "Write each object on one line, without brackets around all of them"


LONGEST_CELL = 2**31 - 1
"""Characters of a cell at most; the default limit of Python is shorter than some texts."""


def is_rows(source: Path) -> bool:
    """Returns whether a path is a file of rows, or a folder of such files named after their splits."""
    return source.suffix.lower() in SUFFIXES or bool(split_files(source))


def split_files(folder: Path) -> dict[Path, str]:
    """Returns the files of rows in a folder that are named after a split, such as `dev.tsv`, with their splits."""
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return {path: SPLIT_NAMES[path.stem.lower()] for path in paths if path.stem.lower() in SPLIT_NAMES}


def text_rows(
    source: Path, columns: Sequence[str], flag: str = "--data", naming: str = COLUMNS
) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yields the place of each row, its split (None if the file is not named after one), and its cells.

    Args:
        source: A file, or a folder of files named after splits.
        columns: Names of columns, or keys, that every row must have.
        flag: The flag that names the file.
        naming: The flag that names the columns.

    Raises:
        DataError: If a row cannot be read, a column is missing, or a split has two files, naming file and row.
    """
    files = split_files(source) or {source: None}
    for split in {split for split in files.values() if split}:
        if len(same := [path.name for path, other in files.items() if other == split]) > 1:
            raise DataError(
                f"Several files of the {split} split in {source}: {listed(same)}", fix="Merge them, or keep one"
            )
    for path, split in files.items():
        rows = (_json_rows if path.suffix.lower() == ".jsonl" else _table_rows)(path, columns, flag, naming)
        for number, row in rows:
            yield f"{path.name} row {number}", split, row


def _table_rows(path: Path, columns: Sequence[str], flag: str, naming: str) -> list[tuple[int, dict[str, Any]]]:
    before = csv.field_size_limit(LONGEST_CELL)  # for the whole process
    try:
        return table_rows(path, list(columns), flag, naming)
    finally:
        csv.field_size_limit(before)


def text_lines(path: Path, flag: str = "--data") -> list[str]:
    """Returns the lines of a file, which `flag` names, without an empty last one."""
    text = table_text(path, flag)
    return text.removesuffix("\n").split("\n") if text else []


def _json_rows(path: Path, columns: Sequence[str], flag: str, naming: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text_lines(path, flag), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path.name} row {number} is not valid JSON: {error}", fix=ONE_PER_LINE) from None
        if not isinstance(row, dict):
            raise DataError(f"{path.name} row {number} is not a JSON object: {line[:80]}", fix=ONE_PER_LINE)
        if missing := [name for name in columns if name not in row]:
            raise DataError(
                f"Key {missing[0]!r} not found in {path.name} row {number}, which has "
                f"{listed(map(repr, row)) or 'none'}",
                fix=f"Name the right ones with {naming}; nearest: {nearest(missing[0], row)}",
            )
        yield number, row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; raises `ValueError` for a repeated key, one value of which would be lost."""
    if len(row := dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"repeated key {next(name for name in names if names.count(name) > 1)!r}")
    return row


def name_in(row: dict[str, Any], column: str, where: str) -> str:
    """Returns a cell that is a name: not empty, without spaces around it, in Unicode NFC."""
    name = unicodedata.normalize("NFC", cell(row, column, where)).strip()
    if not any(map(seen, name)):
        raise DataError(f"Empty cell in column {column!r}, {where}", fix="Fill it in, or remove the row")
    if any(unicodedata.category(character) == "Cs" for character in name):
        raise DataError(
            f"Half a Unicode character in column {column!r}, {where}: {name[:80]!r}",
            fix="Correct it, or remove the row",
        )
    return name


def cell(row: dict[str, Any], name: str, where: str, naming: str = "`--columns.*`") -> str:
    """Returns a cell as text, also numbers and booleans of JSON; null and NaN become an empty text."""
    value = row[name]
    if isinstance(value, (list, dict)):
        raise DataError(f"{name!r} in {where} is not a text: {str(value)[:80]}", fix=f"Name another key with {naming}")
    return "" if value is None or value != value else str(value)


def text_digested(records: Sequence[Record]) -> list[Record]:
    """Returns the records with digests, equal for texts that differ only in letter case and spaces.

    An unusable text gets the digest of its place, so that it equals no other; `read_texts` reports it.
    """
    decoded = [replace(record, text=text_of(record)) for record in records]
    return [replace(record, digest=content_digest(_plain(record))) for record in decoded]


def _plain(record: Record) -> bytes:
    if isinstance(record.text, Unusable):
        return f"unusable {record.where}".encode("utf-8", "replace")
    return " ".join(unicodedata.normalize("NFKC", record.text).casefold().split()).encode()
