"""One or several numbers for a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.data import audit, sources, tables
from tfft.data.choices import NumberColumns
from tfft.data.examples import Examples
from tfft.data.records import Record, digested
from tfft.data.scenes import scene_records
from tfft.data.truths import Targets
from tfft.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tfft.store import Storage

SAME = 0.9
"""If float32 leaves fewer of the different numbers, it is said; of many thousand some fall together by chance."""


@dataclass(frozen=True)
class Numbers:
    """What was measured of a picture. As targets: (pictures, quantities), float32."""

    values: tuple[float, ...]
    names: tuple[str, ...]
    """Of the quantities, the same for all pictures."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """None."""
        return ()

    @classmethod
    def targets(cls, records: Sequence[Record], image_size: tuple[int, int], storage: Storage) -> Targets:
        """The numbers as they are, but for what float32 cannot tell apart."""
        exact = np.array([record.truth.values for record in records], np.float64)
        values, names = exact.astype(np.float32), list(records[0].truth.names)
        kept = [
            (len(np.unique(before)), len(np.unique(after))) for before, after in zip(exact.T, values.T, strict=True)
        ]
        notes = [
            f"{many} different numbers of {name} are {few} in float32, which networks compute in: "
            "subtract a constant from them"
            for name, (many, few) in zip(names, kept, strict=True)
            if few < SAME * many
        ]
        return Targets(names, of=values.__getitem__, present=[()] * len(records), notes=notes)


def find_numbers(source: str, columns: NumberColumns | None = None) -> list[Record]:
    """Lists the pictures of a source with their numbers, and a digest of each, without decoding one.

    Args:
        source: A `.csv` or `.tsv` file; a folder whose sub-folders are named by a number, with or without `train/`,
            `val/`, `test/` above them; or `demo:count`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of a file.

    Raises:
        ConfigError: If the source is no table and has `columns`, or these cannot be.
        DataError: If there is nothing to read, a number is none or not finite, or all are equal.
    """
    if source.lower().endswith((".csv", ".tsv")):
        records = _from_table(Path(source), columns or NumberColumns())
    elif columns is not None and columns != NumberColumns():
        raise ConfigError(
            "`--columns` belongs to a .csv or .tsv file",
            received=f"{columns} with {source}",
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

    return tables.table_records(table, columns, columns.values, truth)


def _from_folders(folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DataError(
            "`--data` must be a .csv or .tsv file, a folder whose sub-folders are named by a number, or demo:count",
            received=f"no folder {folder}",
            fix="Try `--data demo:count`",
        )
    return [
        replace(r, truth=Numbers((_number(r.truth.name, f"the folder of {r.where}"),), ("value",)))
        for r in sources.folder_records(folder)
    ]


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > float(np.finfo(np.float32).max):
        raise DataError(
            "What is to be learned is a finite number",
            received=f"{text!r} in {where}",
            fix="Write it with a decimal point, as 1.5; leave out rows without a number",
        )
    return value


def _check_varied(records: Sequence[Record], source: str) -> None:
    trained = [record.truth.values for record in records if record.split in (None, "train")]
    if not trained:
        return  # said when the splits are assigned
    for name, column in zip(records[0].truth.names, np.array(trained, np.float32).T, strict=True):
        fix = "Check `--columns.values`; from numbers that differ in their last digits alone subtract a constant"
        _check_differ(name, column, f"in {source}", fix)


def statistics(examples: Examples | None, labels: Sequence[str]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each quantity of the training split; 0 and 1 if it is not known.

    Raises:
        DataError: If a quantity is the same for all of them, as it may be once the other pictures are dealt.
    """
    if examples is None:
        return [0.0] * len(labels), [1.0] * len(labels)
    values = np.asarray(examples.targets, np.float64)
    for name, column in zip(labels, values.T, strict=True):
        fix = "Add pictures of which it differs, try another `--seed`, or split them yourself"
        _check_differ(name, column, "that are left to train", fix)
    return values.mean(axis=0).tolist(), values.std(axis=0).tolist()


def _check_differ(name: str, column: np.ndarray, where: str, fix: str) -> None:
    if np.ptp(column) == 0:
        raise DataError(
            f"The training pictures differ in {name!r}",
            received=f"{column[0]:g} for each of {len(column)} {where}",
            fix=fix,
        )
