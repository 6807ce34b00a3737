"""One or several numbers for each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tfft.data.examples import Examples
from tfft.data.records import Record
from tfft.data.targets import Form, Targets
from tfft.errors import DataError

SAME = 0.9
"""Fraction of the distinct numbers that must stay distinct in float32, or a note is made; a few collide by chance."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of a picture. As targets: (pictures, quantities), float32."""

    values: tuple[float, ...]
    names: tuple[str, ...]
    """Names of the quantities, the same for all pictures."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Empty: numbers are not classes."""
        return ()

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The numbers in float32."""
        exact = np.array([record.truth.values for record in records], np.float64)
        values, names = exact.astype(np.float32), list(records[0].truth.names)
        distinct = [
            (len(np.unique(before)), len(np.unique(after))) for before, after in zip(exact.T, values.T, strict=True)
        ]
        notes = [
            f"only {after} of the {before} different numbers of {name} are different in float32: subtract a constant"
            for name, (before, after) in zip(names, distinct, strict=True)
            if after < SAME * before
        ]
        return Targets(names, of=values.__getitem__, present=[()] * len(records), notes=notes)


def statistics(examples: Examples | None, labels: Sequence[str]) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each quantity in the training split; 0 and 1 if `examples` is None.

    Raises:
        DataError: If all training pictures have the same number, which may happen once splits are assigned.
    """
    if examples is None:
        return [0.0] * len(labels), [1.0] * len(labels)
    values = np.asarray(examples.targets, np.float64)
    for name, column in zip(labels, values.T, strict=True):
        fix = "Add pictures with other numbers, try another `--seed`, or assign the splits yourself"
        _check_differ(name, column, "after splitting", fix)
    return values.mean(axis=0).tolist(), values.std(axis=0).tolist()


def _check_differ(name: str, column: np.ndarray, where: str, fix: str) -> None:
    if np.ptp(column) == 0:
        raise DataError(f"{name!r} is {column[0]:g} for all {len(column)} training pictures {where}", fix=fix)
