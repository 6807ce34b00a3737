"""Answers as a file: .csv, .jsonl or .parquet, written row by row."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfft import extras, files
from tfft.errors import ConfigError, listed
from tfft.serving.answers import Answer, columns_of
from tfft.serving.contract import Contract

SUFFIXES = (".csv", ".jsonl", ".parquet")
PART = ".part"
"""Suffix of a file that is being written."""
ROWS_TOGETHER = 4096
"""Rows of a group of a .parquet file, which is the least that can be written."""

Write = Callable[[Answer], None]


def check_out(out: Path) -> None:
    """Checks, before anything is computed, that answers can be written.

    Raises:
        ConfigError: If the suffix is unknown, or the file exists.
        MachineError: If a package is missing.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"`--out` must end in {listed(SUFFIXES)} (got {out})", fix="Choose one of these")
    if "\0" in str(out):
        raise ConfigError("`--out` has a NUL", fix="Choose another name")
    if out.exists():
        raise ConfigError(f"{out} exists already", fix="Choose another `--out`; tfft never overwrites a file")
    if os.path.lexists(part_of(out)):
        raise ConfigError(
            f"{part_of(out)} exists: another job is writing it, or has been stopped",
            fix="Remove it in the latter case, or choose another `--out`",
        )
    if not out.parent.is_dir():
        raise ConfigError(f"Folder not found: {out.parent}", fix="Make it first, or choose another `--out`")
    if out.suffix.lower() == ".parquet":
        extras.require("parquet", "A .parquet file")


@contextmanager
def table(out: Path, contract: Contract, top: int) -> Iterator[Write]:
    """Yields a function that writes one answer.

    Rows are in `OUT.part` as they come; the file gets its name when all are written.

    Args:
        out: The file.
        contract: Of the model that answers.
        top: Classes of a row.
    """
    part, columns = part_of(out), columns_of(contract.task, contract.labels, top)
    writers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    try:
        part.touch(exist_ok=False)
        with writers[out.suffix.lower()](part, columns, top) as write:
            yield write
    except OSError as error:
        error.filename = error.filename or str(part)  # a full disk, while rows are written
        raise
    if out.exists():
        raise ConfigError(f"{out} was made meanwhile", fix=f"The answers are in {part}")
    part.replace(out)


def part_of(out: Path) -> Path:
    """The file that rows are written to until all are there."""
    return out.with_name(out.name + PART)


@contextmanager
def _csv(path: Path, columns: Mapping[str, type], top: int) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8", errors="replace", buffering=1) as file:  # line by line
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writerow({name: files.inert(name) for name in columns})
        yield lambda answer: writer.writerows(
            {name: _cell(value) for name, value in row.items()} for row in answer.rows(top)
        )


def _valid_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:  # JSON has no NaN
        return json.dumps(json.loads(json.dumps(value), parse_constant=lambda name: None), ensure_ascii=False)


def _cell(value: Any) -> Any:
    return f"{value:.7g}" if isinstance(value, float) else files.inert(value)


@contextmanager
def _jsonl(path: Path, columns: Mapping[str, type], top: int) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", errors="replace", buffering=1) as file:
        yield lambda answer: print(_valid_json(answer.json()), file=file)


@contextmanager
def _parquet(path: Path, columns: Mapping[str, type], top: int) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet

    kinds = {str: pa.string(), float: pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    waiting: list[dict[str, Any]] = []
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting.clear()

        def write(answer: Answer) -> None:
            waiting.extend({name: row.get(name) for name in columns} for row in answer.rows(top))
            if len(waiting) >= ROWS_TOGETHER:
                flush()

        yield write
        flush()
