"""Activations that are computed whenever they are asked for, in batches of one size, each text at its own width."""

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
    """Activations that are computed whenever they are asked for, indexable by an array of positions."""

    below: Indexable
    level: Level
    width: int | None = None
    """Of texts: all are as long."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        made = np.empty((len(positions), self.level.makes.at(self.width).numbers), self.level.makes.dtype)
        for start, rows in self.batches(positions):
            made[start : start + len(rows)] = rows
        return made

    def batches(self, positions: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Activations of `TRUNK_BATCH` positions at a time, (positions, numbers), each with the place of its first.

        What the next ones are computed from is fetched meanwhile.
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
                        "Activations stored as float16 are below 65,504",
                        received=f"larger ones after {', '.join(self.level.layers)}",
                        fix="Leave out `--store.dtype float16`",
                    )
                yield start, rows

    def _fetch(self, positions: np.ndarray) -> tuple[np.ndarray, ...]:
        """What a full batch is computed from; a smaller one is filled up."""
        if not len(positions):
            return ()
        rows = self.below[positions]
        if (lacking := TRUNK_BATCH - len(rows)) > 0:
            rows = np.concatenate([rows, rows[-1:].repeat(lacking, 0)])
        return self.level.takes.unpack(rows)
