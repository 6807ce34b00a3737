"""The examples of a run, indexable, and the one list of labels that all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tfft.data.augmentation.motion import Motion
from tfft.data.indexing import Indexable
from tfft.store import Rows


@dataclass(frozen=True)
class Examples:
    """The examples of one split, indexable, in one fixed order."""

    inputs: np.ndarray | Rows = field(repr=False)
    """Pictures, (examples, height, width, 3), uint8: an array, or rows of the store that are read when they are asked
    for. Texts as tokens, (examples, most), int32, padded."""
    targets: np.ndarray | Indexable = field(repr=False)
    """What a model should answer, (examples, ...): for one class each (examples,), int32, its index in
    `Splits.labels`; for other tasks see `tfft.data.truths.tags`, `numbers`, `masks`, `boxes`."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Where each came from."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` is shown; empty, or zeros, where nothing is counted."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over how often the rarest class of each is shown; None where nothing is counted."""
    widths: np.ndarray | None = field(default=None, repr=False)
    """(examples,), int: tokens that each text is padded to, see `tfft.data.batching.widths`; None for pictures."""
    texts: np.ndarray | None = field(default=None, repr=False)
    """(examples,), the texts as they were written; None for pictures."""
    references: Sequence[Sequence[str]] | None = field(default=None, repr=False)
    """What may be made of each text, one or several; None where nothing is."""

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Splits:
    """The examples of a run and the one list of labels that all of them share."""

    train: Examples
    val: Examples
    test: Examples | None
    labels: list[str]
    notes: list[str] = field(default_factory=list)
    """What a person should know of the data, one sentence each."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Examples left out, with the reason."""
    motion: Motion | None = None
    """How targets follow their pictures; None where they do not have to."""

    def items(self) -> Iterator[tuple[str, Examples]]:
        """The splits there are, by name: train, val and perhaps test."""
        for name in ("train", "val", "test"):
            if (examples := getattr(self, name)) is not None:
                yield name, examples

    def counts(self) -> dict[str, list[int]]:
        """How often each label is shown in each split, in the order of `labels`."""
        return {name: examples.counts for name, examples in self.items()}
