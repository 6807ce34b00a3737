"""One array of the store: a folder of chunks, to which missing rows are added."""

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
from tfft.errors import MachineError
from tfft.files import write_json
from tfft.store.chunks import SUFFIX, DamagedError, find_chunk, write_chunk
from tfft.store.places import ABSENT, Places
from tfft.store.rows import Rows
from tfft.store.turns import turn

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 25
"""Size of a chunk: large enough to be read at full speed, small enough that a killed run loses only seconds and that
two of them, one being computed and one being written, take little memory."""
MOST_CHUNKS = 256
"""Most chunks for one call of `parts_of`; each stays open while in use, and a process may open some thousand files."""
DESCRIPTION = "array.json"


def fingerprint(parts: Mapping[str, Any]) -> str:
    """32 hexadecimal digits that identify a JSON value."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class StoredArray:
    """The stored rows of one array, to which missing rows can be added.

    Several runs may read and add rows at the same time: a chunk is named by its keys, so two runs that write the same
    name write the same content.

    Args:
        folder: Folder of the array; created with the first row.
        parts: JSON values that decide the values of the array, except the examples.
        row_shape: Shape of a row.
        dtype: Type of the numbers.
        owner: The store, which is kept alive as long as the array.
    """

    def __init__(self, folder: Path, parts: Mapping[str, Any], row_shape: Sequence[int], dtype: str, owner: Any = None):
        self.folder = folder
        self.parts = dict(parts)
        self.row_shape = tuple(row_shape)
        self.dtype = np.dtype(dtype)
        self.owner = owner
        self._places = Places()
        self._known: set[str] = set()  # names of chunks
        self._find()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    @contextlib.contextmanager
    def filling(self, keys: Sequence[str]) -> Iterator[None]:
        """Waits for any other run that computes these rows and adds what it has stored. Others wait until the block
        ends."""
        with turn(self.folder, keys):
            self._find()
            yield

    def missing(self, keys: Sequence[str]) -> list[int]:
        """Positions of the keys that have no row yet, each key once.

        The chunks of the other keys are opened and checked against their checksums. A damaged chunk is removed, with a
        warning, and its rows are missing. So are those of a chunk that cannot be read, which is left as it is.
        """
        for number in _used(self._places.find(keys)):
            chunk = self._places.chunks[number]
            try:
                chunk.open()
            except (OSError, MachineError) as error:
                self._places.remove(number)
                self._known.discard(chunk.path.name)
                self._drop(chunk.path, error)
        first: dict[str, int] = {}
        for position in np.flatnonzero(self._places.find(keys)[:, 0] == ABSENT).tolist():
            first.setdefault(keys[position], position)
        return list(first.values())

    def parts_of(self, positions: Sequence[int]) -> Iterator[list[int]]:
        """Splits positions into chunks; a chunk of more than `TOGETHER` rows has a multiple of that number."""
        size = max(CHUNK_BYTES, len(positions) * self.row_bytes // MOST_CHUNKS)
        rows = max(1, size // max(1, self.row_bytes))
        rows -= rows % TOGETHER if rows > TOGETHER else 0
        for start in range(0, len(positions), rows):
            yield list(positions[start : start + rows])

    def append(self, keys: Sequence[str], rows: np.ndarray, notes: Mapping[str, list[str]] | None = None) -> None:
        """Writes a chunk of new rows, (keys, ...).

        Raises:
            OSError: If the chunk cannot be written, or is removed at once.
        """
        if rows.shape != (len(keys), *self.row_shape) or rows.dtype != self.dtype:
            raise ValueError(
                f"`rows` must be {len(keys)} of shape {self.row_shape}, {self.dtype} (got {rows.shape}, {rows.dtype})"
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
        """The rows of these keys, in their order; none may be missing, see `missing`."""
        places, chunks = self._places.find(keys), {}
        for number in _used(places):
            chunk = chunks[number] = self._places.chunks[number]
            chunk.open()
            with contextlib.suppress(OSError):  # another run has removed it, or it belongs to another user
                os.utime(chunk.path)  # so that it is removed last
        return Rows(self.folder.name, chunks, places, self.row_shape, self.dtype, self.owner)

    def notes(self) -> dict[str, list[str]]:
        """The notes on the rows, by key, for keys that have any."""
        return {key: notes for chunk in self._places.chunks for key, notes in chunk.notes.items()}

    def _find(self) -> None:
        """Adds the rows of chunks that are not known yet."""
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            if path.name not in self._known and not path.name.startswith("."):  # another run is writing it
                self._add(path)

    def _add(self, path: Path) -> None:
        self._known.add(path.name)
        try:
            chunk, keys = find_chunk(path, self.row_shape, self.dtype)
        except OSError as error:
            self._drop(path, error)
        else:
            self._places.add(keys, chunk)

    def _drop(self, path: Path, error: OSError | MachineError) -> None:
        if isinstance(error, (FileNotFoundError, MachineError)):
            return  # removed by another run to make room
        if not isinstance(error, DamagedError):
            logger.warning("A file in the store cannot be read; its rows are computed again: %s", error)
            return
        logger.warning("Damaged file in the store; its rows are computed again: %s", error)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _used(places: np.ndarray) -> list[int]:
    """Numbers of the chunks that have any of these rows, see `Places.find`."""
    return [number for number in np.unique(places[:, 0]).tolist() if number != ABSENT]
