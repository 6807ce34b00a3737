"""Where the rows of an array are: which chunk, and which row of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfft.store.chunks import Chunk

ABSENT = -1


class Places:
    """The chunk and the row of each key, in 44 bytes a key: dictionaries take ten times as much, in every array.

    A key that several chunks have is read from the one that was added last.
    """

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        """A chunk that was removed stays in the list, so that the others keep their numbers."""
        self._added: list[tuple[np.ndarray, int]] = []  # keys and the number of their chunk, not sorted in yet
        self._keys = np.empty(0, "S1")
        self._places = np.empty((0, 2), np.int32)

    def add(self, keys: Sequence[str], chunk: Chunk) -> None:
        """Adds the keys of a chunk, one for each of its rows."""
        self._added.append((np.array(keys, "S"), len(self.chunks)))
        self.chunks.append(chunk)

    def remove(self, number: int) -> None:
        """Removes the keys of the chunk with this number in `chunks`."""
        self._sort()
        kept = self._places[:, 0] != number
        self._keys, self._places = self._keys[kept], self._places[kept]

    def find(self, keys: Sequence[str]) -> np.ndarray:
        """The number of the chunk in `chunks` and the row in it for each key, (keys, 2), or `ABSENT` twice."""
        self._sort()
        wanted = np.array(keys, "S")
        if not len(self._keys) or not len(wanted):
            return np.full((len(wanted), 2), ABSENT, np.int32)
        last = np.searchsorted(self._keys, wanted, side="right") - 1
        return np.where((self._keys[last] == wanted)[:, None], self._places[last], np.int32(ABSENT))

    def _sort(self) -> None:
        if not self._added:
            return
        keys = np.concatenate([self._keys, *(keys for keys, _ in self._added)])
        rows = [np.stack(np.broadcast_arrays(number, np.arange(len(keys))), 1) for keys, number in self._added]
        order = np.argsort(keys, kind="stable")  # stable: equal keys stay in the order in which they were added
        self._keys, self._places = keys[order], np.concatenate([self._places, *rows]).astype(np.int32)[order]
        self._added = []
