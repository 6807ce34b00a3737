"""Examples that two of the data's own splits share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tfft.data.records import LEAK, Record
from tfft.data.splitting.audit import equal_examples
from tfft.errors import DataError, listed


def check_leaks(records: Sequence[Record]) -> None:
    """Raises `DataError` if splits of the source share an example or a group."""
    leaks = [
        " = ".join(f"{record.where} ({record.split})" for record in group)
        for group in equal_examples(records, nearly=True)
        if len({record.split for record in group}) > 1
    ]
    if leaks:
        raise DataError(
            f"The splits share examples ({len(leaks)}): {listed(leaks)}",
            fix="Remove them from the training data with `--leaks drop`, or keep them with `--leaks accept`",
        )
    groups = defaultdict(set)
    for record in records:
        if record.group is not None:
            groups[record.group].add(record.split)
    shared = [f"{name!r} in {' and '.join(sorted(splits))}" for name, splits in groups.items() if len(splits) > 1]
    if shared:
        raise DataError(
            f"The splits share groups ({len(shared)}): {listed(shared)}",
            fix="Correct the split column, or leave it out and let tfft split by group",
        )


def without_leaks(records: Sequence[Record]) -> list[Record]:
    """Marks records of train that equal, or share a group with, one in val or test; likewise in val for test."""
    leaks: set[int] = set()
    seen: set[tuple[str, str]] = set()
    for split in ("test", "val", "train"):
        here = [record for record in records if record.split == split]
        leaks |= {id(record) for record in here if seen & shared_names(record)}
        seen |= {name for record in here if id(record) not in leaks for name in shared_names(record)}
    after = [replace(record, split=LEAK) if id(record) in leaks else record for record in records]
    _check_left(records, after)
    return after


def _check_left(before: Sequence[Record], after: Sequence[Record]) -> None:
    """Raises `DataError` if a split, or a class of train, consists of leaks."""
    left = {record.split for record in after}
    for split in ("train", "val"):
        if split not in left and any(record.split == split for record in before):
            raise DataError(
                f"Every example of {split} is also in {'val or test' if split == 'train' else 'test'}",
                fix=f"Remove {split}, so that tfft makes it, or keep the copies with `--leaks accept`",
            )
    trained = {name for record in after if record.split == "train" for name in record.truth.labels}
    for record in before:
        if record.split == "train" and (lost := set(record.truth.labels) - trained):
            raise DataError(
                f"Every training example of {min(lost)!r} is also in another split, first {record.where}",
                fix="Remove the copies, or keep them with `--leaks accept`",
            )


def shared_names(record: Record) -> set[tuple[str, str]]:
    """Returns the content and group of a record: records that share either must stay in one split."""
    return {("content", record.alike or record.digest)} | (
        {("group", record.group)} if record.group is not None else set()
    )
