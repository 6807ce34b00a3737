"""Checks of labelled data before training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tfft.data.records import Record
from tfft.errors import DataError, listed, nearest


def check_classes(records: Sequence[Record], source: str) -> None:
    """Raises `DataError` unless there are at least two classes."""
    labels = sorted({name for record in records for name in record.truth.labels})
    if not labels:
        raise DataError(f"No examples found in {source}", fix="Check `--data`")
    if len(labels) < 2:
        raise DataError(
            f"A classifier needs at least two classes, and {source} has only {labels[0]!r}",
            fix="Add a folder (or rows) of another class",
        )


def check_trained(records: Sequence[Record], source: str) -> None:
    """Raises `DataError` if there are no examples, or if a class has no training examples."""
    if not records:
        raise DataError(f"No examples found in {source}", fix="Check `--data`")
    trained = {name for record in records if record.split in (None, "train") for name in record.truth.labels}
    for record in records:
        if unknown := sorted(set(record.truth.labels) - trained):
            raise DataError(
                f"Class {unknown[0]!r} has no training examples: it is only in the {record.split} split of {source}, "
                f"first in {record.where}",
                fix=f"Nearest class with training examples: {nearest(unknown[0], sorted(trained))}",
            )


def equal_examples(records: Sequence[Record], *, nearly: bool = False) -> list[list[Record]]:
    """Returns groups of two or more records with the same content, or nearly the same."""
    groups = defaultdict(list)
    for record in records:
        groups[(record.alike if nearly else "") or record.digest].append(record)
    return [group for group in groups.values() if len(group) > 1]


def near_duplicates_note(records: Sequence[Record]) -> list[str]:
    """A note on pictures that are nearly, but not quite, the same as another."""
    groups = [group for group in equal_examples(records, nearly=True) if len({r.digest for r in group}) > 1]
    if not groups:
        return []
    first = listed((" = ".join(record.where for record in group[:3]) for group in groups), most=2)
    return [f"{sum(map(len, groups)):,} pictures are near-duplicates of others and are kept in one split: {first}"]


def contradictions(records: Sequence[Record]) -> list[str]:
    """Returns one line for each group of equal examples with different truths: `"a/1.jpg = b/2.jpg"`."""
    return [
        " = ".join(record.where for record in group)
        for group in equal_examples(records)
        if any(record.truth != group[0].truth for record in group)
    ]


def written_alike(labels: Sequence[str]) -> list[list[str]]:
    """Returns groups of classes whose names differ only in letter case and spaces: usually one class."""
    groups = defaultdict(list)
    for label in labels:
        groups[" ".join(label.casefold().split())].append(label)
    return [group for group in groups.values() if len(group) > 1]
