"""What is known of an example, and the numbers that it becomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from tfft.data.examples import Indexable, Motion
from tfft.store import Storage

if TYPE_CHECKING:
    from tfft.data.records import Record


class Truth(Protocol):
    """What is known of one picture or text: its class, its tags, numbers, a mask, boxes."""

    one_class: ClassVar[bool]
    """Whether it is one class of several, which every split then needs."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it names, each as often as it does; examples are dealt to splits by them."""

    @classmethod
    def targets(cls, records: Sequence[Record], image_size: tuple[int, int] | None, storage: Storage) -> Targets:
        """What some records of this kind become when their pictures are `image_size` high and wide; None for texts."""


@dataclass(frozen=True)
class Targets:
    """The truths of all examples of a run as numbers."""

    labels: list[str]
    """What the numbers are of: classes, or names of quantities."""
    of: Callable[[Sequence[int]], Indexable] = field(repr=False)
    """Gives the targets of the records at some positions."""
    present: Sequence[Sequence[str]] = field(repr=False)
    """By record, the classes that it shows, each as often as it does."""
    motion: Motion | None = None
    """How a target follows its picture when a view moves that; None if it does not."""
    failed: Mapping[int, str] = field(default_factory=dict)
    """Why the truth of a record cannot be used, by position."""
    notes: Sequence[str] = ()
    """What a person should know of them, one sentence each."""

    def counts(self, positions: Sequence[int]) -> list[int]:
        """How often each class is shown by the records at some positions."""
        found = Counter(name for position in positions for name in self.present[position])
        return [found[label] for label in self.labels]

    def rarity(self, positions: Sequence[int]) -> np.ndarray | None:
        """For the records at some positions, one over how often these show the rarest class of each.

        A record that shows none is as rare as the records that show none are.
        """
        seen = dict(zip(self.labels, self.counts(positions), strict=True))
        if not any(seen.values()):
            return None
        empty = sum(not self.present[position] for position in positions)
        return np.array([1 / min((seen[name] for name in self.present[p]), default=empty) for p in positions])
