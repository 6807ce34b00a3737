"""What is wrong with labelled data, found before anything is trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tfft.data.records import Record
from tfft.errors import DataError, listed, nearest


def check_classes(records: Sequence[Record], source: str) -> None:
    """Raises `DataError` unless there are at least two classes."""
    labels = sorted({name for record in records for name in record.truth.labels})
    if not labels:
        raise DataError("The data hold examples", received=f"none in {source}", fix="Check `--data`")
    if len(labels) < 2:
        raise DataError(
            "A classifier needs at least two classes",
            received=f"only {labels[0]!r} in {source}",
            fix="Add a folder (or rows) of another class",
        )


def check_trained(records: Sequence[Record], source: str) -> None:
    """Raises `DataError` if there is no example, or a class is on none that is trained on."""
    if not records:
        raise DataError("The data hold examples", received=f"none in {source}", fix="Check `--data`")
    trained = {name for record in records if record.split in (None, "train") for name in record.truth.labels}
    for record in records:
        if unknown := sorted(set(record.truth.labels) - trained):
            raise DataError(
                "Every class has training examples",
                received=f"class {unknown[0]!r} only in the {record.split} split of {source}, first {record.where}",
                fix=f"Nearest class with training examples: {nearest(unknown[0], sorted(trained))}",
            )


def equal_examples(records: Sequence[Record]) -> list[list[Record]]:
    """Groups of two or more records with the same content."""
    groups = defaultdict(list)
    for record in records:
        groups[record.digest].append(record)
    return [group for group in groups.values() if len(group) > 1]


def contradictions(records: Sequence[Record]) -> list[str]:
    """One line for each example of which two things are said: `"a/1.jpg = b/2.jpg"`."""
    return [
        " = ".join(record.where for record in group)
        for group in equal_examples(records)
        if any(record.truth != group[0].truth for record in group)
    ]


def written_alike(labels: Sequence[str]) -> list[list[str]]:
    """Groups of classes whose names differ in letter case and spaces alone: most often one class, written twice."""
    groups = defaultdict(list)
    for label in labels:
        groups[" ".join(label.casefold().split())].append(label)
    return [group for group in groups.values() if len(group) > 1]


def check_leaks(records: Sequence[Record]) -> None:
    """Raises `DataError` if the source itself puts equal examples, or one group, into two splits."""
    leaks = [
        " = ".join(f"{record.where} ({record.split})" for record in group)
        for group in equal_examples(records)
        if len({record.split for record in group}) > 1
    ]
    if leaks:
        raise DataError(
            "An example is in one split only",
            received=f"{len(leaks)} in several: {listed(leaks)}",
            fix="Leave them out of what is trained on with `--leaks drop`, or accept it with `--leaks accept`",
        )
    splits = defaultdict(set)
    for record in records:
        if record.group is not None:
            splits[record.group].add(record.split)
    if straddling := [f"{name!r} in {' and '.join(sorted(found))}" for name, found in splits.items() if len(found) > 1]:
        raise DataError(
            "A group is in one split only",
            received=f"{len(straddling)} in several: {listed(straddling)}",
            fix="Correct the split column, or leave it out and let tfft split by group",
        )
