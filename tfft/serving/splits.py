"""Which example was in which split: `splits.csv` of a run folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

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


def read_splits(folder: Path) -> dict[str, str]:
    """The split of each example of a run, by content digest.

    Raises:
        ConfigError: If there is no such file, or it is damaged.
    """
    try:
        with (folder / SPLITS).open(newline="", encoding="utf-8") as file:
            return {row["digest"]: row["split"] for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise ConfigError(
            f"{folder / SPLITS}, which says what the model was trained on, cannot be read: {error}",
            fix="Copy the whole run folder",
        ) from None


def in_split(records: Sequence[Record], splits: dict[str, str], name: str) -> list[Record]:
    """The records that a run had in a split, whatever their names are now."""
    return [record for record in records if splits.get(record.digest) == name]
