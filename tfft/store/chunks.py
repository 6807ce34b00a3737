"""Chunks: files of many rows, whole or not there, that tell when they are damaged; and rows read from them."""

from __future__ import annotations

import io
import json
import math
import threading
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfft.files import replacing

SUFFIX = ".chunk"
READ_BYTES = 1 << 22
LONGEST_HEADER = 1 << 26
OPEN: weakref.WeakSet[Chunk] = weakref.WeakSet()
"""What this process has open, and so must not make room for anything else."""


class DamagedError(OSError):
    """A chunk is not as it was written; the message says how."""


@dataclass(eq=False)
class Chunk:
    """One file of rows: a line of JSON, then the rows as plain numbers.

    It is opened when its rows are first looked at, and stays open, so that they can be read after another run has
    removed the file from the store.
    """

    path: Path
    row_shape: tuple[int, ...]
    dtype: np.dtype
    keys: list[str]
    notes: dict[str, list[str]]
    """Of some keys: what a person should know of the row."""
    checksum: int
    start: int
    """Bytes before the first row."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # reading moves the one position of the file
        self._row_bytes = math.prod(self.row_shape) * self.dtype.itemsize
        self._file: io.FileIO | None = None

    def __del__(self) -> None:
        if getattr(self, "_file", None):
            self._file.close()

    def open(self) -> None:
        """Opens the file and holds the rows against the checksum, at the first call.

        Raises:
            DamagedError: If they are not all there, or not as they were written.
            FileNotFoundError: If another run has removed the file.
        """
        if self._file is not None:
            return
        file = self.path.open("rb", buffering=0)
        try:
            self._check(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        OPEN.add(self)

    def read(self, row: int, into: np.ndarray) -> None:
        """Copies one row into an array of its shape that lies in one piece."""
        memory = memoryview(into).cast("B") if into.nbytes else memoryview(b"")
        with self._lock:
            self._file.seek(self.start + row * self._row_bytes)
            done = 0
            while done < len(memory):
                if not (read := self._file.readinto(memory[done:])):
                    raise DamagedError(f"{self.path} became shorter while it was in use")
                done += read

    def _check(self, file: io.FileIO) -> None:
        buffer = bytearray(READ_BYTES)
        found, size = _start_of_checksum(self.keys), 0
        file.seek(self.start)
        while read := file.readinto(buffer):
            found, size = zlib.crc32(memoryview(buffer)[:read], found), size + read
        if found != self.checksum or size != len(self.keys) * self._row_bytes:
            raise DamagedError(f"{self.path} does not match its checksum")


def write_chunk(path: Path, keys: Sequence[str], rows: np.ndarray, notes: dict[str, list[str]]) -> None:
    """Writes a chunk, whole or not at all.

    Args:
        path: Where; the folder is made.
        keys: One for each row.
        rows: (keys, ...).
        notes: By key, for the keys that have any.
    """
    rows = np.ascontiguousarray(rows)
    header = {
        "shape": rows.shape[1:],
        "dtype": rows.dtype.name,
        "checksum": zlib.crc32(memoryview(rows).cast("B") if rows.nbytes else b"", _start_of_checksum(keys)),
        "notes": notes,
        "keys": list(keys),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # not forced to the disk: after a power cut the checksum tells, and the rows can be computed again
    with replacing(path, durable=False) as temporary, temporary.open("wb") as file:
        file.write(json.dumps(header, ensure_ascii=True).encode() + b"\n")
        file.write(memoryview(rows).cast("B"))


def find_chunk(path: Path, row_shape: tuple[int, ...], dtype: np.dtype) -> Chunk:
    """Reads the header of a chunk; the rows are not looked at yet.

    Raises:
        DamagedError: If the header is not one, or is of other rows.
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        line = file.readline(LONGEST_HEADER)
    try:
        header = json.loads(line)
        keys, notes, checksum = header["keys"], header["notes"], header["checksum"]
        fits = tuple(header["shape"]) == row_shape and header["dtype"] == dtype.name
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError(f"{path} has no header ({error})") from None
    plain = isinstance(keys, list) and all(isinstance(key, str) for key in keys) and isinstance(notes, dict)
    if not (fits and plain and isinstance(checksum, int)):
        raise DamagedError(f"{path} has the header of another array")
    return Chunk(path, row_shape, dtype, keys, notes, checksum, len(line))


def _start_of_checksum(keys: Sequence[str]) -> int:
    return zlib.crc32("\n".join(keys).encode())


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a store in an order of their own, indexable as an array is; read from the disk when asked for."""

    name: str
    """Of the array: a fingerprint of what decides its values."""
    places: list[tuple[Chunk, int]]
    """Open chunks, and places in them."""
    row_shape: tuple[int, ...]
    dtype: np.dtype
    owner: object = field(default=None, repr=False)
    """Held, so that a temporary store is there as long as its rows."""

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
        positions = np.arange(len(self))[index]
        found = np.empty((positions.size, *self.row_shape), self.dtype)
        for row, position in zip(found, positions.flat, strict=True):
            chunk, place = self.places[position]
            chunk.read(place, row)
        return found if positions.ndim else found[0]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)
