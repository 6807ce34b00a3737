"""Exactly one class for each picture or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tfft.data.targets import Form, Targets

if TYPE_CHECKING:
    from tfft.data.records import Record


@dataclass(frozen=True)
class Label:
    """The class of a picture or text. As targets: class indices, (examples,), int32."""

    name: str
    one_class: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of the class."""
        return (self.name,)

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """Class indices, in the order of `Form.labels`."""
        names = [record.truth.name for record in records]
        labels = form.in_order(names)
        place = {label: index for index, label in enumerate(labels)}
        indices = np.array([place[name] for name in names], np.int32)
        return Targets(labels, of=indices.__getitem__, present=[(name,) for name in names])
