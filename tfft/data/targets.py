"""The truths of all examples of a run as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfft.data.augmentation.motion import Motion
from tfft.data.choices import Length
from tfft.data.indexing import Indexable
from tfft.store import Storage


@dataclass(frozen=True)
class Form:
    """What targets are made to fit."""

    image_size: tuple[int, int] | None = None
    """Height and width of the pictures in pixels; None for texts."""
    storage: Storage = Storage()
    """Where masks are kept."""
    pieces: Any = None
    """The tokenizer of references; None where there are none."""
    labels: Sequence[str] | None = None
    """The order of the classes, where a person gives one; None for that of the alphabet."""
    length: Length = "auto"
    """Tokens that a reference is cut to, those of start and end among them; `"auto"` leaves 99 of 100 of the training
    split whole."""

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Names of classes, each once."""
        there = set(names)
        return sorted(there) if self.labels is None else [name for name in self.labels if name in there]


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
