"""One or several numbers for a picture."""

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
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
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
