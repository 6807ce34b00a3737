"""The targets of a run: the ground truths of all examples as arrays."""

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
    """How ground truths become targets."""

    image_size: tuple[int, int] | None = None
    """Height and width of the pictures in pixels; None for texts."""
    storage: Storage = Storage()
    """Where decoded masks are stored."""
    pieces: Any = None
    """The tokenizer of the references; None for other tasks."""
    labels: Sequence[str] | None = None
    """The order of the classes; None for alphabetical order."""
    length: Length = "auto"
    """Maximum number of tokens of a reference, including start and end; `"auto"` fits 99 of 100 training references."""

    def in_order(self, names: Iterable[str]) -> list[str]:
        """The names without duplicates, in the order of the classes."""
        unique = set(names)
        return sorted(unique) if self.labels is None else [name for name in self.labels if name in unique]


@dataclass(frozen=True)
class Targets:
    """The ground truths of all examples as arrays."""

    labels: list[str]
    """Names of the classes, or of the quantities."""
    of: Callable[[Sequence[int]], Indexable] = field(repr=False)
    """Returns the targets of the records at the given positions."""
    present: Sequence[Sequence[str]] = field(repr=False)
    """The classes of each record, one entry for each occurrence."""
    motion: Motion | None = None
    """How targets follow the moves of a view; None if they do not depend on positions."""
    failed: Mapping[int, str] = field(default_factory=dict)
    """Why the truth of a record cannot be used, by position."""
    notes: Sequence[str] = ()
    """Observations about the targets, one sentence each."""

    def counts(self, positions: Sequence[int]) -> list[int]:
        """How often each class occurs in the records at the given positions."""
        occurrences = Counter(name for position in positions for name in self.present[position])
        return [occurrences[label] for label in self.labels]

    def rarity(self, positions: Sequence[int]) -> np.ndarray | None:
        """One over the count of the rarest class in each record; counts are taken over the given positions.

        Records without a class are counted as a class of their own. None if no record has a class.
        """
        counts = dict(zip(self.labels, self.counts(positions), strict=True))
        if not any(counts.values()):
            return None
        empty = sum(not self.present[position] for position in positions)
        return np.array([1 / min((counts[name] for name in self.present[p]), default=empty) for p in positions])
