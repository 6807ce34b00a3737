"""Widths: the lengths that texts are padded to, so that a short one does not cost as much as the longest.

A text goes through a network at its own width, whatever texts are beside it, for the last bits of a result may
depend on how much is padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tfft.data.batching.layout import Layout
from tfft.data.indexing import Indexable

LEAST = 8
"""Tokens of the smallest width."""


WINDOW, LEAST_WINDOWS = 16, 8
"""Groups of an epoch whose texts are brought into the order of their widths, at most, and into how many windows an
epoch is cut at least: so chance still decides which texts meet in a batch."""


def widths_of(lengths: np.ndarray) -> np.ndarray:
    """The widths of texts: a multiple of 8, from 65 tokens of 16, from 129 of 32 and so on.

    Args:
        lengths: In tokens, (texts,), int.
    """
    lengths = np.maximum(lengths, LEAST)
    step = np.maximum(LEAST, 2 ** (np.ceil(np.log2(lengths)).astype(int) - 3))
    return -(-lengths // step) * step


def by_width(order: np.ndarray, widths: np.ndarray, group: int, rng: np.random.Generator) -> np.ndarray:
    """An order of examples in which those that follow one another are about as long.

    Windows of the order are sorted by width and cut into groups, the groups shuffled; what fills no group comes last,
    as it is.

    Args:
        order: Positions, (places,).
        widths: Of all examples.
        group: Examples in a group.
        rng: Shuffles.
    """
    full = len(order) // group * group
    size = max(1, min(WINDOW, full // group // LEAST_WINDOWS)) * group
    windows = (order[start : min(start + size, full)] for start in range(0, full, size))
    ordered = [window[np.argsort(widths[window], kind="stable")] for window in windows]
    groups = np.concatenate([*ordered, order[:0]]).reshape(-1, group)
    return np.concatenate([rng.permutation(groups).ravel(), order[full:]])


@dataclass(frozen=True, eq=False)
class ByWidth:
    """Rows of texts of several widths, indexable by an array of positions: each padded to the longest of them."""

    widths: np.ndarray
    """(examples,), of each."""
    parts: Mapping[int, Indexable]
    """By width, the rows of the examples that have it, in their order."""
    layout: Layout
    """Of the rows."""
    _places: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = np.empty(len(self.widths), int)
        for _, positions in positions_by_width(self.widths):
            places[positions] = np.arange(len(positions))
        object.__setattr__(self, "_places", places)

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        widths = self.widths[positions]
        longest = int(widths.max())
        made: np.ndarray | None = None
        for width, chosen in positions_by_width(widths):
            rows = self.layout.lengthened(self.parts[width][self._places[positions[chosen]]], longest)
            if len(chosen) == len(positions):
                return rows
            if made is None:
                made = np.empty((len(positions), rows.shape[1]), rows.dtype)
            made[chosen] = rows
        return made


def positions_by_width(widths: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each width with the positions that have it, shortest first."""
    for width in np.unique(widths):
        yield int(width), np.flatnonzero(widths == width)


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of some texts, cut to the longest that is asked for, indexable by an array of positions."""

    tokens: np.ndarray
    """(texts, most), int32, padded."""
    widths: np.ndarray
    """(texts,), of each."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        return self.tokens[positions, : self.widths[positions].max()]
