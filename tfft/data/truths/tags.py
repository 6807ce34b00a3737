"""Several classes for a picture, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tfft.data.records import Record
from tfft.data.targets import Form, Targets


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
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """1 where a class is on a picture, in the order of the sorted names."""
        truths = [record.truth for record in records]
        present = [truth.names for truth in truths]
        labels = form.in_order(name for names in present for name in names)
        rows = hot(present, labels)
        empty = sum(not truth.names and truth.wrong is None for truth in truths)
        return Targets(
            labels,
            of=rows.__getitem__,
            present=present,
            failed={index: truth.wrong for index, truth in enumerate(truths) if truth.wrong is not None},
            notes=([f"{empty} pictures have no tag"] if empty else []) + _unparted(present, labels),
        )


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
