"""Widths: the lengths that texts are padded to, so that a short text costs less than the longest.

A text always passes through a network at its own width, whatever else is in its batch, because padding may change the
last bits of a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tfft.data.batching.layout import Layout
from tfft.data.indexing import Indexable

LEAST = 8
"""Number of tokens of the smallest width."""


WINDOW, LEAST_WINDOWS = 16, 8
"""Maximum number of groups that are sorted by width together, and minimum number of such windows in an epoch: so texts
still meet in a batch at random."""


def widths_of(lengths: np.ndarray) -> np.ndarray:
    """The widths of texts: multiples of 8, from 65 tokens of 16, from 129 tokens of 32 and so on.

    Args:
        lengths: Lengths in tokens, (texts,), int.
    """
    lengths = np.maximum(lengths, LEAST)
    step = np.maximum(LEAST, 2 ** (np.ceil(np.log2(lengths)).astype(int) - 3))
    return -(-lengths // step) * step


def by_width(order: np.ndarray, widths: np.ndarray, group: int, rng: np.random.Generator) -> np.ndarray:
    """An order of the examples in which neighbours have similar widths.

    Windows of the order are sorted by width and cut into groups, and the groups are shuffled. The remainder that fills
    no group comes last, unchanged.

    Args:
        order: Positions of examples, (count,).
        widths: Widths of all examples, (examples,).
        group: Number of examples in a group.
        rng: Shuffles the groups.
    """
    full = len(order) // group * group
    size = max(1, min(WINDOW, full // group // LEAST_WINDOWS)) * group
    windows = (order[start : min(start + size, full)] for start in range(0, full, size))
    ordered = [window[np.argsort(widths[window], kind="stable")] for window in windows]
    groups = np.concatenate([*ordered, order[:0]]).reshape(-1, group)
    return np.concatenate([rng.permutation(groups).ravel(), order[full:]])


@dataclass(frozen=True, eq=False)
class ByWidth:
    """Rows of texts of several widths, indexable by an array of positions; results are padded to the longest row."""

    widths: np.ndarray
    """Width of each example, (examples,)."""
    parts: Mapping[int, Indexable]
    """For each width, the rows of the examples of that width, in their order."""
    layout: Layout
    """Layout of the rows."""
    _places: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = np.empty(len(self.widths), int)
        for _, positions in positions_by_width(self.widths):
            places[positions] = np.arange(len(positions))
        object.__setattr__(self, "_places", places)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        widths = self.widths[positions]
        longest = int(widths.max())
        joined: np.ndarray | None = None
        for width, chosen in positions_by_width(widths):
            rows = self.layout.lengthened(self.parts[width][self._places[positions[chosen]]], longest)
            if len(chosen) == len(positions):
                return rows
            if joined is None:
                joined = np.empty((len(positions), rows.shape[1]), rows.dtype)
            joined[chosen] = rows
        return joined


def positions_by_width(widths: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields each width with the positions of its texts, shortest first."""
    for width in np.unique(widths):
        yield int(width), np.flatnonzero(widths == width)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of texts, indexable by an array of positions; results are cut to the longest text among them."""

    tokens: np.ndarray
    """(texts, most), int32, padded."""
    widths: np.ndarray
    """Width of each text, (texts,)."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        return self.tokens[positions, : self.widths[positions].max()]
