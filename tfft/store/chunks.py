"""Chunks: files of many rows, complete or missing, with checksums; and the rows read from them."""

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
"""Chunks that this process has open, which must not be removed to make room."""


class DamagedError(OSError):
    """A chunk is not as it was written; the message says how."""


@dataclass(eq=False)
class Chunk:
    """One file of rows: a line of JSON, then the numbers of the rows.

    The file is opened when the rows are first needed and stays open, so that they can still be read after another run
    has removed the file from the store.
    """

    path: Path
    row_shape: tuple[int, ...]
    dtype: np.dtype
    keys: list[str]
    notes: dict[str, list[str]]
    """Notes for the user, by key, for keys that have any."""
    checksum: int
    start: int
    """Byte at which the first row starts."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # reading moves the position in the file, which all threads share
        self._row_bytes = math.prod(self.row_shape) * self.dtype.itemsize
        self._file: io.FileIO | None = None

    def __del__(self) -> None:
        if getattr(self, "_file", None):
            self._file.close()

    def open(self) -> None:
        """Opens the file and checks the rows against the checksum, at the first call only.

        Raises:
            DamagedError: If the rows are not as they were written.
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
        """Copies one row into a contiguous array of its shape."""
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
    """Writes a chunk, completely or not at all.

    Args:
        path: The file; its folder is created.
        keys: One key for each row.
        rows: (keys, ...).
        notes: Notes by key, for keys that have any.
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
    # not synced to the disk: after a power cut the checksum fails, and the rows are computed again
    with replacing(path, durable=False) as temporary, temporary.open("wb") as file:
        file.write(json.dumps(header, ensure_ascii=True).encode() + b"\n")
        file.write(memoryview(rows).cast("B"))


def find_chunk(path: Path, row_shape: tuple[int, ...], dtype: np.dtype) -> Chunk:
    """Reads the header of a chunk, not the rows.

    Raises:
        DamagedError: If the header is damaged, or describes other rows.
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
    """Rows of a stored array in any order, indexed like an array; read from the disk when indexed."""

    name: str
    """Name of the array: a fingerprint of what decides its values."""
    places: list[tuple[Chunk, int]]
    """For each row its open chunk and the index in it."""
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
        positions = np.arange(len(self))[index]
        rows = np.empty((positions.size, *self.row_shape), self.dtype)
        for row, position in zip(rows, positions.flat, strict=True):
            chunk, place = self.places[position]
            chunk.read(place, row)
        return rows if positions.ndim else rows[0]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype, copy=False)
