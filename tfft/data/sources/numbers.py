"""Finds pictures with numbers: in a table, in folders named after numbers, or the demo data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfft.data.choices import NumberColumns
from tfft.data.demo.scenes import scene_records
from tfft.data.records import Record, digested
from tfft.data.sources import array_truths, picture_tables
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.class_folders import folder_records
from tfft.data.splitting import audit
from tfft.data.truths.numbers import Numbers, _check_differ
from tfft.errors import ConfigError, DataError


def find_numbers(source: str | Arrays, columns: NumberColumns | None = None) -> list[Record]:
    """Lists the pictures of a source with their numbers and digests, without decoding them.

    Args:
        source: `Arrays`, or the place of the data:
            a `.csv` or `.tsv` file; a folder whose sub-folders are named after numbers, with or without `train/`,
            `val/`, `test/` above them; or `demo:count`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of the table.

    Raises:
        ConfigError: If `columns` are invalid, or the source is not a table.
        DataError: If there is nothing to read, a number is missing or not finite, or all numbers are equal.
    """
    if isinstance(source, Arrays):
        records = array_records(source, array_truths.picture, array_truths.numbers)
    elif source.lower().endswith((".csv", ".tsv")):
        records = _from_table(Path(source), columns or NumberColumns())
    elif columns is not None and columns != NumberColumns():
        raise ConfigError(
            f"`--columns` works only with a .csv or .tsv file, not with {source} (got {columns})",
            fix="List the pictures in a table, or leave the columns out",
        )
    elif source == "demo:count":
        records = scene_records(lambda scene: Numbers((float(scene.count),), ("sum",)))
    else:
        records = _from_folders(Path(source))
    audit.check_trained(records, source)
    _check_varied(records, source)
    return digested(records)


def _from_table(table: Path, columns: NumberColumns) -> list[Record]:
    def truth(cells: Mapping[str, str], where: str) -> Numbers:
        return Numbers(
            tuple(_number(cell, f"column {name!r}, {where}") for name, cell in cells.items()), columns.values
        )

    return picture_tables.table_records(table, columns, columns.values, truth)


def _from_folders(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DataError(
            f"Folder not found: {folder}",
            fix="Check `--data`: a .csv or .tsv file, a folder with sub-folders named after numbers, or demo:count",
        )
    return [
        replace(r, truth=Numbers((_number(r.truth.name, f"the folder of {r.where}"),), ("value",)))
        for r in folder_records(folder)
    ]


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
        raise DataError(
            f"{text!r} is not a finite float32 number ({where})",
            fix="Write it with a decimal point, as 1.5; leave out rows without a number",
        )
    return value


def _check_varied(records: Sequence[Record], source: str) -> None:
    trained = [record.truth.values for record in records if record.split in (None, "train")]
    if not trained:
        return  # reported when the splits are assigned
    for name, column in zip(records[0].truth.names, np.array(trained, np.float32).T, strict=True):
        fix = "Check `--columns.values`; if numbers differ only in their last digits, subtract a constant"
        _check_differ(name, column, f"in {source}", fix)
