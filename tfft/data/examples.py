"""The examples of a run, indexable, and the one list of labels that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from tfft.store import Rows


class Indexable(Protocol):
    """Rows that are looked up by position: an array, rows of the store, or what computes them."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """The rows at some positions, (positions, ...)."""


Outside = Literal["mirror", "grey"]
"""What a view shows beyond the frame: the picture mirrored, or grey."""


@dataclass(frozen=True)
class Motion:
    """How a target that has places in it (boxes, a mask) follows its picture when a view moves that."""

    follow: Callable[[np.ndarray, Sequence[np.ndarray], tuple[int, int]], np.ndarray]
    """From a target, matrices and the height and width of the picture to the target of the view. Each matrix, (3, 3),
    leads from a place after one move to the place before it, on (x, y, 1) in pixels; the picture is moved by one
    after the other, and each shows something beyond its frame."""
    outside: Outside
    """What a view shows beyond the frame: the picture mirrored, where the target can be mirrored too, or grey."""
    turns: bool
    """Whether views are turned and shorn: upright boxes around turned objects would not fit them."""


@dataclass(frozen=True)
class Examples:
    """The examples of one split, indexable, in one fixed order."""

    inputs: np.ndarray | Rows = field(repr=False)
    """Pictures, (examples, height, width, 3), uint8: an array, or rows of the store that are read when they are asked
    for. Texts as tokens, (examples, most), int32, padded."""
    targets: np.ndarray | Indexable = field(repr=False)
    """What a model should answer, (examples, ...): for one class each (examples,), int32, its index in
    `Splits.labels`; for other tasks see `tfft.data.tags`, `numbers`, `masks`, `boxes`."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Where each came from."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` is shown; empty, or zeros, where nothing is counted."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over how often the rarest class of each is shown; None where nothing is counted."""
    widths: np.ndarray | None = field(default=None, repr=False)
    """(examples,), int: tokens that each text is padded to, see `tfft.data.widths`; None for pictures."""
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
