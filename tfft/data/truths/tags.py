"""Any number of classes for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tfft.data.records import Record
from tfft.data.targets import Form, Targets
from tfft.errors import DataError, listed


@dataclass(frozen=True)
class Tags:
    """The classes of a picture. As targets: (pictures, labels), float32, 1 or 0."""

    names: tuple[str, ...]
    """Sorted, without duplicates."""
    wrong: str | None = None
    """Why the tags cannot be used, or None."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.names

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """1 where a picture has a class, else 0; columns are in the order of `Form.labels`."""
        truths = [record.truth for record in records]
        present = [truth.names for truth in truths]
        labels = form.in_order(name for names in present for name in names)
        rows = hot(present, labels)
        if len(labels) and (rows == rows[:1]).all():
            raise DataError(
                f"All pictures have the same tags: {listed(map(repr, labels))}",
                fix="Add pictures without them, or remove the tags that every picture has",
            )
        everywhere = [label for label, column in zip(labels, rows.T, strict=True) if column.all()]
        empty = sum(not truth.names and truth.wrong is None for truth in truths)
        return Targets(
            labels,
            of=rows.__getitem__,
            present=present,
            failed={index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None},
            notes=([f"{empty} pictures have no tag"] if empty else [])
            + ([f"every picture has {listed(map(repr, everywhere), most=5)}"] if everywhere else [])
            + _unseparated(present, labels),
        )


def _unseparated(present: Sequence[Sequence[str]], labels: Sequence[str]) -> list[str]:
    """A note if names contain another separator and no picture has two tags."""
    for mark in ";,":
        if any(mark in label for label in labels) and all(len(names) < 2 for names in present):
            example = next(label for label in labels if mark in label)
            return [
                f"no picture has two tags, but {example!r} is one tag: if it is several, "
                f"set `--columns.separator '{mark}'`"
            ]
    return []


def hot(present: Sequence[Sequence[str]], labels: Sequence[str]) -> np.ndarray:
    """Multi-hot rows for the classes of each picture: (pictures, labels), float32, 1 or 0."""
    index_of = {label: index for index, label in enumerate(labels)}
    rows = np.zeros((len(present), len(labels)), np.float32)
    for row, names in zip(rows, present, strict=True):
        row[[index_of[name] for name in names]] = 1
    return rows
