"""Rows that are indexed by position."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Indexable(Protocol):
    """Rows that are indexed by position: an array, rows of the store, or an object that computes them."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """The rows at the given positions, (positions, ...)."""
