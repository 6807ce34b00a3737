"""Which example was in which split: `splits.csv` of a run folder."""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfft import files
from tfft.data.examples import Splits
from tfft.data.records import Record
from tfft.errors import ConfigError

SPLITS = "splits.csv"


def write_splits(splits: Splits, folder: Path) -> None:
    """Writes the origin, the split and the content digest of each example."""
    rows = [
        {"example": where, "split": name, "digest": digest}
        for name, examples in splits.items()
        for where, digest in zip(examples.where, examples.ids, strict=True)
    ]
    files.write_csv(folder / SPLITS, rows)


@dataclass(frozen=True)
class Known:
    """The examples of a run."""

    rows: Sequence[tuple[str, str, str]]
    """Origin, split and content digest of each."""

    @property
    def names(self) -> set[str]:
        """The splits."""
        return {split for _, split, _ in self.rows}

    def was_in(self, record: Record, *splits: str) -> bool:
        """Whether the run had the content of a record in one of some splits, whatever its name is now."""
        return any((split, record.digest) in self._contents for split in splits)

    def of(self, records: Sequence[Record], split: str) -> list[Record]:
        """The records that were in a split; a copy of one, which a run leaves out, is not taken for it."""
        wanted = {(where, digest) for where, other, digest in self.rows if other == split}
        kept = [record for record in records if (files.inert(record.where), record.digest) in wanted]
        gone = {digest for _, digest in wanted} - {record.digest for record in kept}
        moved = {record.digest: record for record in records if record.digest in gone}
        return kept + list(moved.values())

    def count(self, split: str) -> int:
        """The number of examples in a split."""
        return sum(other == split for _, other, _ in self.rows)

    @functools.cached_property
    def _contents(self) -> set[tuple[str, str]]:
        return {(split, digest) for _, split, digest in self.rows}


def read_splits(folder: Path) -> Known:
    """The examples of a run.

    Raises:
        ConfigError: If `splits.csv` is missing, damaged or empty.
    """
    try:
        with (folder / SPLITS).open(newline="", encoding="utf-8") as file:
            rows = [(row["example"], row["split"], row["digest"]) for row in csv.DictReader(file)]
        if not rows:
            raise ValueError("it is empty")
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError(
            f"{folder / SPLITS}, which says what the model was trained on, cannot be read: {error}",
            fix="Copy the whole run folder",
        ) from None
    return Known(rows)


def spread(records: Sequence[Record], most: int) -> list[Record]:
    """At most so many of the records, at equal distances."""
    places = np.linspace(0, len(records) - 1, min(most, len(records))).round().astype(int)
    return [records[place] for place in places]
