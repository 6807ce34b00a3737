"""One array of the store: a folder of chunks that grows by the rows that are missing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfft.conventions import TOGETHER
from tfft.files import write_json
from tfft.store.chunks import SUFFIX, Chunk, Rows, find_chunk, write_chunk

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 26
"""Of one chunk: large enough to be read at full speed, small enough that a kill costs seconds."""
MOST_CHUNKS = 256
"""Written in one go: each stays open while it is used, and a process may have some thousand files open."""
DESCRIPTION = "array.json"


def fingerprint(parts: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of a JSON value; another value, another fingerprint."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class StoredArray:
    """The rows of one array that are there, and a place for those that are missing.

    Several runs may read and add at the same time: a chunk is named by the keys in it, and what two runs
    write under one name is the same.

    Args:
        folder: Its folder; made when the first row is added.
        parts: Everything that decides the values but the example, as JSON has it.
        row_shape: Shape of a row.
        dtype: Of its numbers.
        owner: Held as long as the array is: a temporary store.
    """

    def __init__(
        self, folder: Path, parts: Mapping[str, Any], row_shape: Sequence[int], dtype: str, owner: object = None
    ):
        self.folder = folder
        self.parts = dict(parts)
        self.row_shape = tuple(row_shape)
        self.dtype = np.dtype(dtype)
        self.owner = owner
        self._places: dict[str, tuple[Chunk, int]] = {}
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            self._add(path)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    def missing(self, keys: Sequence[str]) -> list[int]:
        """Positions of the keys that have no row yet, each key once.

        The chunks that hold the others are opened and held against their checksums; a damaged one is removed,
        with a warning, and its rows count as missing.
        """
        for chunk in {self._places[key][0]: None for key in keys if key in self._places}:
            try:
                chunk.open()
            except OSError as error:
                self._places = {key: place for key, place in self._places.items() if place[0] is not chunk}
                self._drop(chunk.path, error)
        first: dict[str, int] = {}
        for position, key in enumerate(keys):
            if key not in self._places:
                first.setdefault(key, position)
        return list(first.values())

    def parts_of(self, positions: Sequence[int]) -> Iterator[list[int]]:
        """Splits positions into those of one chunk each, a multiple of `TOGETHER` rows where a chunk holds as many."""
        size = max(CHUNK_BYTES, len(positions) * self.row_bytes // MOST_CHUNKS)
        rows = max(1, size // max(1, self.row_bytes))
        rows -= rows % TOGETHER if rows > TOGETHER else 0
        for start in range(0, len(positions), rows):
            yield list(positions[start : start + rows])

    def append(self, keys: Sequence[str], rows: np.ndarray, notes: Mapping[str, list[str]] | None = None) -> None:
        """Writes a chunk of new rows, (keys, ...).

        Raises:
            OSError: If it cannot be written, or is gone at once.
        """
        if rows.shape != (len(keys), *self.row_shape) or rows.dtype != self.dtype:
            raise ValueError(
                f"Expected {len(keys)} rows of {self.row_shape}, {self.dtype}. Received: {rows.shape}, {rows.dtype}"
            )
        if not keys:
            return
        name = hashlib.blake2b("\n".join(keys).encode(), digest_size=12).hexdigest()
        path = self.folder / f"{name}{SUFFIX}"
        write_chunk(path, keys, rows, dict(notes or {}))
        if not (description := self.folder / DESCRIPTION).exists():
            write_json(description, self.parts)
        self._add(path)
        if self.missing(keys):
            raise OSError(f"{path} was removed while it was being written")

    def rows(self, keys: Sequence[str]) -> Rows:
        """The rows of these keys, in their order; all must be there, see `missing`."""
        places = [self._places[key] for key in keys]
        for chunk in {chunk: None for chunk, _ in places}:
            chunk.open()
            with contextlib.suppress(OSError):  # another run has removed it, or another person owns it
                os.utime(chunk.path)  # so that it is the last to go
        return Rows(self.folder.name, places, self.row_shape, self.dtype, self.owner)

    def notes(self, key: str) -> list[str]:
        """What was noted of a row that is there."""
        return self._places[key][0].notes.get(key, [])

    def _add(self, path: Path) -> None:
        try:
            chunk = find_chunk(path, self.row_shape, self.dtype)
        except OSError as error:
            self._drop(path, error)
        else:
            self._places.update((key, (chunk, row)) for row, key in enumerate(chunk.keys))

    def _drop(self, path: Path, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return  # another run has made room
        logger.warning("Damaged in the store, computed again: %s", error)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
