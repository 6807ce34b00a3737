"""Activations that are computed whenever they are read, in batches of one size, each text at its own width."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tfft.data.indexing import Indexable
from tfft.errors import ConfigError
from tfft.training.levels import TRUNK_BATCH, Level


@dataclass(frozen=True, eq=False)
class Streamed:
    """Activations that are computed whenever they are read; indexed by an array of positions."""

    below: Indexable
    level: Level
    width: int | None = None
    """Length of all texts; None for pictures."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        activations = np.empty((len(positions), self.level.makes.at(self.width).numbers), self.level.makes.dtype)
        for start, rows in self.batches(positions):
            activations[start : start + len(rows)] = rows
        return activations

    def batches(self, positions: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yields the activations of `TRUNK_BATCH` positions at a time: the index of the first, (positions, numbers).

        The inputs of the next batch are read meanwhile.
        """
        starts = range(0, len(positions), TRUNK_BATCH)
        with ThreadPoolExecutor(1) as pool:
            fetched = pool.submit(self._fetch, positions[:TRUNK_BATCH])
            for start in starts:
                tensors = fetched.result()
                fetched = pool.submit(self._fetch, positions[start + TRUNK_BATCH :][:TRUNK_BATCH])
                rows = self.level.run(*tensors).numpy()[: len(positions) - start]
                if rows.dtype == np.float16 and not np.isfinite(rows).all():
                    raise ConfigError(
                        f"Activations after {', '.join(self.level.layers)} exceed 65,504, the largest float16",
                        fix="Leave out `--store.dtype float16`",
                    )
                yield start, rows

    def _fetch(self, positions: np.ndarray) -> tuple[np.ndarray, ...]:
        """The inputs of a full batch; a smaller one is filled up with its last row."""
        if not len(positions):
            return ()
        rows = self.below[positions]
        if (lacking := TRUNK_BATCH - len(rows)) > 0:
            rows = np.concatenate([rows, rows[-1:].repeat(lacking, 0)])
        return self.level.takes.unpack(rows)
