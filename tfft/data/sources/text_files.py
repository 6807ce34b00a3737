"""Rows of text files: CSV, TSV or JSON lines, one file or one for each split in a folder."""

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
from tfft.data.sources.tables import table_rows, table_text
from tfft.errors import DataError, listed, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl")


LONGEST_CELL = 2**31 - 1
"""Characters; Python's own limit is shorter than some texts."""


def is_rows(source: Path) -> bool:
    """Whether a path is that of a file of rows, or a folder of such files named after their splits."""
    return source.suffix.lower() in SUFFIXES or bool(split_files(source))


def split_files(folder: Path) -> dict[Path, str]:
    """The files of rows in a folder that are named after a split, `dev.tsv` say, with that."""
    if not folder.is_dir():
        return {}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    return {path: SPLIT_NAMES[path.stem.lower()] for path in found if path.stem.lower() in SPLIT_NAMES}


def text_rows(source: Path, columns: Sequence[str]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """For each row where it stands, its split (None if the file is not named after one), and its cells.

    Args:
        source: A file, or a folder of files named after splits.
        columns: Names of columns, or keys, that every row has.

    Raises:
        DataError: Naming file and row: what cannot be read, a missing column, two files of one split.
    """
    files = split_files(source) or {source: None}
    for split in {split for split in files.values() if split}:
        if len(same := [path.name for path, other in files.items() if other == split]) > 1:
            raise DataError(f"One file holds the {split} split", received=f"{listed(same)} in {source}")
    for path, split in files.items():
        rows = _json_rows(path, columns) if path.suffix.lower() == ".jsonl" else _table_rows(path, columns)
        for number, row in rows:
            yield f"{path.name} row {number}", split, row


def _table_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, Any]]]:
    before = csv.field_size_limit(LONGEST_CELL)  # of the whole process
    try:
        return table_rows(path, list(columns))
    finally:
        csv.field_size_limit(before)


def text_lines(path: Path) -> list[str]:
    """The lines of a file; a last one that is empty is none."""
    text = table_text(path)
    return text.removesuffix("\n").split("\n") if text else []


def _json_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise DataError(
                "Every line is a JSON object",
                received=f"{error} in {path.name} row {number}",
                fix="Correct the line; an object stands in one line of its own, without brackets around all",
            ) from None
        if not isinstance(row, dict):
            raise DataError(
                "Every line is a JSON object",
                received=f"{line[:80]} in {path.name} row {number}",
                fix="Write each object in one line of its own, without brackets around all",
            )
        if missing := [name for name in columns if name not in row]:
            raise DataError(
                f"Every line has a key {missing[0]!r}",
                received=f"keys {listed(map(repr, row)) or 'none'} in {path.name} row {number}",
                fix=f"Name the right ones with `--columns.*`, see `--help`; nearest: {nearest(missing[0], row)}",
            )
        yield number, row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a key that stands there twice one value would be lost."""
    if len(row := dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"two keys {next(name for name in names if names.count(name) > 1)!r}")
    return row


def name_in(row: dict[str, Any], column: str, where: str) -> str:
    """A cell that names something: never empty, spaces around it do not count, and an accent is written in one way."""
    name = unicodedata.normalize("NFC", cell(row, column, where)).strip()
    if not any(map(seen, name)):
        raise DataError(
            f"Column {column!r} has a value in every row",
            received=f"an empty cell in {where}",
            fix="Fill it in, or remove the row",
        )
    if any(unicodedata.category(character) == "Cs" for character in name):
        raise DataError(
            f"Column {column!r} holds characters of Unicode",
            received=f"half of one, {name[:80]!r}, in {where}",
            fix="Correct it, or remove the row",
        )
    return name


def cell(row: dict[str, Any], name: str, where: str) -> str:
    """A cell as text: numbers and truth values of JSON too; an absent one is empty, and so is NaN."""
    value = row[name]
    if isinstance(value, (list, dict)):
        raise DataError(
            f"{name!r} is a text", received=f"{str(value)[:80]} in {where}", fix="Name another key with `--columns.*`"
        )
    return "" if value is None or value != value else str(value)


def text_digested(records: Sequence[Record]) -> list[Record]:
    """The records with their digests; texts that differ in letter case and spaces alone have equal ones.

    One that cannot be used gets a digest of its place, so that it equals no other; `read_texts` names it.
    """
    return [replace(record, digest=content_digest(_plain(record))) for record in records]


def _plain(record: Record) -> bytes:
    found = text_of(record)
    if isinstance(found, Unusable):
        return f"unusable {record.where}".encode("utf-8", "replace")
    return " ".join(unicodedata.normalize("NFKC", found).casefold().split()).encode()
