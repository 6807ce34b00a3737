"""Rows of the store, read when they are indexed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tfft.store.chunks import Chunk


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a stored array in any order, indexed like an array; read from the disk when indexed."""

    name: str
    """Name of the array: a fingerprint of what decides its values."""
    chunks: Mapping[int, Chunk]
    """Open chunks, by number."""
    places: np.ndarray
    """For each row the number of its chunk and the index in it, (rows, 2), integers."""
    row_shape: tuple[int, ...]
    dtype: np.dtype
    owner: object = field(default=None, repr=False)
    """Keeps a temporary store alive as long as its rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, ...)."""
        return (len(self.places), *self.row_shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> np.ndarray:
        whole = isinstance(index, np.ndarray) and index.dtype.kind == "i"
        positions = index if whole else np.arange(len(self))[index]
        rows = np.empty((positions.size, *self.row_shape), self.dtype)
        for row, (number, place) in zip(rows, self.places[positions.ravel()].tolist(), strict=True):
            self.chunks[number].read(place, row)
        return rows if positions.ndim else rows[0]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)
