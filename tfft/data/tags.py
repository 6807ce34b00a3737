"""Several classes for a picture, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.data import audit, tables
from tfft.data.annotations import find_boxes
from tfft.data.choices import TagColumns
from tfft.data.records import Record, digested
from tfft.data.scenes import scene_records
from tfft.data.truths import Targets
from tfft.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tfft.store import Storage

YES, NO = {"1", "1.0", "true", "yes", "x"}, {"0", "0.0", "false", "no", ""}


@dataclass(frozen=True)
class Tags:
    """The classes that are on a picture. As targets: (pictures, labels), float32, 1 or 0."""

    names: tuple[str, ...]
    """Sorted, each once."""
    wrong: str | None = None
    """Why they are not known, or None."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The names."""
        return self.names

    @classmethod
    def targets(cls, records: Sequence[Record], image_size: tuple[int, int], storage: Storage) -> Targets:
        """1 where a class is on a picture, in the order of the sorted names."""
        truths = [record.truth for record in records]
        present = [truth.names for truth in truths]
        labels = sorted({name for names in present for name in names})
        rows = hot(present, labels)
        empty = sum(not truth.names and truth.wrong is None for truth in truths)
        return Targets(
            labels,
            of=rows.__getitem__,
            present=present,
            failed={index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None},
            notes=([f"{empty} pictures have no tag"] if empty else []) + _unparted(present, labels),
        )


def find_tagged(source: str, columns: TagColumns | None = None) -> list[Record]:
    """Lists the pictures of a source with their tags, and a digest of each, without decoding one.

    Args:
        source: A `.csv` or `.tsv` file; a folder or file with boxes (see `find_boxes`), whose classes are then the
            tags; or `demo:tags`.
        columns: Columns of the table.

    Returns:
        Records in the order of the names, or of the rows of a file.

    Raises:
        ConfigError: If the source is no table and has `columns`, or these cannot be.
        DataError: If there is nothing to read, a cell cannot be understood, or a tag that is asked for or there is
            on no training picture.
    """
    if source.lower().endswith((".csv", ".tsv")):
        records = _from_table(Path(source), columns or TagColumns())
    elif columns is not None and columns != TagColumns():
        raise ConfigError(
            "`--columns` belongs to a .csv or .tsv file",
            received=f"{columns} with {source}",
            fix="List the pictures in a table, or leave the columns out",
        )
    elif source == "demo:tags":
        records = scene_records(lambda scene: Tags(tuple(map(str, sorted(set(scene.digits.tolist()))))))
    else:
        records = [replace(r, truth=Tags(tuple(sorted(set(r.truth.names))), r.truth.wrong)) for r in find_boxes(source)]
    audit.check_trained(records, source)
    if not any(record.truth.names or record.truth.wrong for record in records):
        raise DataError("Some pictures have tags", received=f"none in {source}", fix="Check `--columns.tags`")
    return records if all(record.digest for record in records) else digested(records)


def _from_table(table: Path, columns: TagColumns) -> list[Record]:
    if not columns.separator:
        raise ConfigError("A separator stands between two names", received="''", fix="Try `--columns.separator '|'`")

    def several(cells: Mapping[str, str], where: str) -> Tags:
        for name, cell in cells.items():
            if cell.lower() not in YES | NO:
                raise DataError(
                    "A column of its own for a tag holds 1 or 0",
                    received=f"{cell!r} in column {name!r}, {where}",
                    fix="Name one column that holds the names, with `--columns.tags NAME --columns.separator '|'`",
                )
        return Tags(tuple(sorted(name for name, cell in cells.items() if cell.lower() in YES)))

    def one(cells: Mapping[str, str], where: str) -> Tags:
        (cell,) = cells.values()
        return Tags(tuple(sorted({name.strip() for name in cell.split(columns.separator)} - {""})))

    found = tables.table_records(table, columns, columns.tags, several if len(columns.tags) > 1 else one, empty=True)
    names = {name.lower() for record in found for name in record.truth.names}
    if len(columns.tags) == 1 and names and names <= YES | NO:
        # one column of 1 and 0 is that of one tag
        found = tables.table_records(table, columns, columns.tags, several, empty=True)
    there = {name for record in found for name in record.truth.names}
    if there and (alone := [name for name in columns.tags if len(columns.tags) > 1 and name not in there]):
        raise DataError(
            "Each tag is on some picture",
            received=f"no 1 in column {alone[0]!r} of {table}",
            fix="Leave it out of `--columns.tags`, or add pictures that have it",
        )
    return found


def _unparted(present: Sequence[Sequence[str]], labels: Sequence[str]) -> list[str]:
    """Names that look like several, where no picture has two: perhaps something else stands between them."""
    for mark in ";,":
        if any(mark in label for label in labels) and all(len(names) < 2 for names in present):
            example = next(label for label in labels if mark in label)
            return [f"no picture has two tags, but {example!r} is one: if not, set `--columns.separator '{mark}'`"]
    return []


def hot(present: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """Which classes are there: (pictures, labels), float32, 1 or 0."""
    place = {label: index for index, label in enumerate(labels)}
    made = np.zeros((len(present), len(labels)), np.float32)
    for row, names in zip(made, present, strict=True):
        row[[place[name] for name in names]] = 1
    return made
