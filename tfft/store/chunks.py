"""Chunks: files of many rows, complete or missing, with checksums."""

from __future__ import annotations

import io
import json
import math
import os
import threading
import weakref
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfft.errors import MachineError
from tfft.files import replacing

SUFFIX = ".chunk"
READ_BYTES = 1 << 22
LONGEST_HEADER = 1 << 26
IN_USE: weakref.WeakSet[Chunk] = weakref.WeakSet()
"""Chunks that this process reads from, which must not be removed to make room."""
_open: dict[int, weakref.ref[Chunk]] = {}
"""Chunks whose file is open, the least recently opened first."""
_opening = threading.Lock()


class DamagedError(OSError):
    """A chunk is not as it was written; the message says how."""


@dataclass(eq=False)
class Chunk:
    """One file of rows: a line of JSON, then the numbers of the rows.

    The file is opened when the rows are first needed and stays open, so that they can still be read after another run
    has removed it from the store. If a process needs more files than it may have open, the one opened first is closed,
    and opened again when it is read.
    """

    path: Path
    row_shape: tuple[int, ...]
    dtype: np.dtype
    rows: int
    """Number of rows."""
    notes: dict[str, list[str]]
    """Notes for the user, by key, for keys that have any."""
    checksum: int
    of_keys: int
    """Checksum of the keys, with which that of the rows goes on."""
    start: int
    """Byte at which the first row starts."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()  # reading moves the position in the file, which all threads share
        self._row_bytes = math.prod(self.row_shape) * self.dtype.itemsize
        self._file: io.FileIO | None = None
        self._checked: tuple[int, int] | None = None  # number and size of the file that was checked

    def __del__(self) -> None:
        if getattr(self, "_file", None):
            self._file.close()
            if _open is not None:  # which Python may have deleted first, at its end
                _open.pop(id(self), None)

    def open(self) -> None:
        """Opens the file and checks the rows against the checksum, at the first call only.

        Raises:
            DamagedError: If the rows are not as they were written.
            FileNotFoundError: If another run has removed the file.
            OSError: If it cannot be read.
        """
        with self._lock:
            self._open()
        IN_USE.add(self)

    def read(self, row: int, into: np.ndarray) -> None:
        """Copies one row into a contiguous array of its shape."""
        memory = memoryview(into).cast("B") if into.nbytes else memoryview(b"")
        with self._lock:
            self._open()
            self._file.seek(self.start + row * self._row_bytes)
            done = 0
            while done < len(memory):
                if not (read := self._file.readinto(memory[done:])):
                    raise DamagedError(f"{self.path} became shorter while it was in use")
                done += read

    def _open(self) -> None:
        if self._file is not None:
            return
        _close_others()
        try:
            file = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            if self._checked is None:
                raise
            raise MachineError(
                f"{self.path} was removed while this run needed it",
                fix="Run again; to avoid it, raise `ulimit -n` or `--store.limit`",
            ) from None
        try:
            status = os.fstat(file.fileno())
            same = (status.st_ino, status.st_size)
            if same != self._checked:
                self._check(file)
        except BaseException:
            file.close()
            raise
        self._file, self._checked = file, same
        with _opening:
            _open[id(self)] = weakref.ref(self)

    def close(self) -> bool:
        """Closes the file unless it is being read; returns whether it did."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._file is not None:
                self._file.close()
                self._file = None
        finally:
            self._lock.release()
        return True

    def _check(self, file: io.FileIO) -> None:
        buffer = bytearray(READ_BYTES)
        found, size = self.of_keys, 0
        file.seek(self.start)
        while read := file.readinto(buffer):
            found, size = zlib.crc32(memoryview(buffer)[:read], found), size + read
        if found != self.checksum or size != self.rows * self._row_bytes:
            raise DamagedError(f"{self.path} does not match its checksum")


def most_open() -> int:
    """How many chunks this process may have open: half of its limit of open files."""
    try:
        import resource
    except ImportError:  # Windows
        return 200
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(4, soft // 2) if soft != resource.RLIM_INFINITY else 10_000


def _close_others() -> None:
    """Closes the files that were opened first, if there are too many."""
    with _opening:
        for key in list(_open)[: max(0, len(_open) + 1 - most_open())]:
            chunk = _open[key]()
            if chunk is None or chunk.close():
                _open.pop(key, None)


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
        "checksum": zlib.crc32(memoryview(rows).cast("B") if rows.nbytes else b"", _checksum_of(keys)),
        "notes": notes,
        "keys": list(keys),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    # not synced to the disk: after a power cut the checksum fails, and the rows are computed again
    with replacing(path, size=rows.nbytes, durable=False) as temporary, temporary.open("wb") as file:
        file.write(json.dumps(header, ensure_ascii=True).encode() + b"\n")
        file.write(memoryview(rows).cast("B"))


def find_chunk(path: Path, row_shape: tuple[int, ...], dtype: np.dtype) -> tuple[Chunk, list[str]]:
    """Reads the header of a chunk, not the rows; returns the chunk and the key of each row.

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
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedError(f"{path} has no header ({error})") from None
    plain = isinstance(keys, list) and all(isinstance(key, str) and key.isascii() for key in keys)
    if not (fits and plain and isinstance(notes, dict) and isinstance(checksum, int)):
        raise DamagedError(f"{path} has the header of another array")
    return Chunk(path, row_shape, dtype, len(keys), notes, checksum, _checksum_of(keys), len(line)), keys


def _checksum_of(keys: Sequence[str]) -> int:
    return zlib.crc32("\n".join(keys).encode())
