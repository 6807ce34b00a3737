"""The store: a folder of arrays with a size limit, where the least recently used goes first."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.errors import MachineError
from tfft.files import read_json
from tfft.store.arrays import DESCRIPTION, StoredArray, fingerprint
from tfft.store.chunks import SUFFIX
from tfft.store.storage import Storage

GIGABYTE = 10**9
FREE_BYTES = GIGABYTE
"""Left free on the disk, whatever the limit."""
LEFTOVER_SECONDS = 3600
"""After which a file that is being written counts as left behind by a run that was killed."""
STARTED = time.time()
"""What was used since then is used by this process and does not make room for others."""


@dataclass(frozen=True)
class Store:
    """An open store."""

    folder: Path
    limit: int
    """Bytes."""
    memory: int
    """Bytes that a phase may hold in memory."""
    dtype: str
    """Of stored activations."""

    def array(self, parts: Mapping[str, Any], row_shape: Sequence[int], dtype: str, about: str = "") -> StoredArray:
        """The array that these parts decide; several calls with equal parts find the same rows.

        Args:
            parts: Everything that decides the values but the example, as JSON has it.
            row_shape: Shape of a row.
            dtype: Of its numbers.
            about: What a person should read of it; it decides nothing.
        """
        parts = {**parts, "shape": list(row_shape), "dtype": dtype}
        return StoredArray(self.folder / fingerprint(parts), {**parts, "about": about}, row_shape, dtype)

    def has_room(self, size: int) -> bool:
        """Whether that many bytes fit the limit and the disk, beside what this process uses; removes nothing."""
        removable = sum(size for _, size, _ in self._unused())
        in_use = sum(size for _, size, _ in self._chunks()) - removable
        free = shutil.disk_usage(self.folder).free + removable - FREE_BYTES
        return in_use + size <= self.limit and size <= free

    def make_room(self, size: int) -> None:
        """Removes the least recently used chunks until that many more bytes fit.

        Raises:
            MachineError: If they do not fit even so.
        """
        if not self.has_room(size):
            raise MachineError(
                "What is stored fits the disk",
                received=f"{size:,} bytes, {shutil.disk_usage(self.folder).free:,} free in {self.folder}",
                fix="Choose another folder with `--store.folder`, or a smaller `--image-size`",
            )
        total = sum(chunk_size for _, chunk_size, _ in self._chunks())
        for _, chunk_size, path in sorted(self._unused()):
            if total + size <= self.limit and size + FREE_BYTES <= shutil.disk_usage(self.folder).free:
                return
            path.unlink(missing_ok=True)
            total -= chunk_size

    def contents(self) -> list[dict[str, Any]]:
        """Each array with `parts`, `bytes`, `chunks` and `used` (seconds since the epoch), the last used first."""
        found = []
        for folder in (entry for entry in self.folder.iterdir() if entry.is_dir()):
            chunks = [(used, size) for used, size, path in self._chunks() if path.parent == folder]
            try:
                parts = read_json(folder / DESCRIPTION)
            except (OSError, ValueError):
                parts = {}
            if chunks:
                size, used = sum(size for _, size in chunks), max(used for used, _ in chunks)
                found.append({"parts": parts, "bytes": size, "chunks": len(chunks), "used": used})
        return sorted(found, key=lambda entry: -entry["used"])

    def clear(self) -> int:
        """Removes every array; returns the bytes that were freed. Files that are not of the store stay."""
        freed = 0
        for _, size, path in list(self._chunks()):
            path.unlink(missing_ok=True)
            freed += size
        for folder in [entry for entry in self.folder.iterdir() if entry.is_dir()]:
            (folder / DESCRIPTION).unlink(missing_ok=True)
            if not any(folder.iterdir()):
                folder.rmdir()
        return freed

    def _chunks(self) -> Iterator[tuple[float, int, Path]]:
        """Time of the last use, bytes and path of each chunk."""
        for path in self.folder.glob(f"*/*{SUFFIX}"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed by another run
            if path.name.startswith("."):  # still being written, or left behind by a run that was killed
                if time.time() - status.st_mtime > LEFTOVER_SECONDS:
                    path.unlink(missing_ok=True)
                continue
            yield status.st_mtime, status.st_size, path

    def _unused(self) -> list[tuple[float, int, Path]]:
        return [chunk for chunk in self._chunks() if chunk[0] < STARTED]


def open_store(storage: Storage) -> Store:
    """Opens a store, and makes its folder if there is none.

    With a limit of 0 it is a temporary one.

    Raises:
        MachineError: If the folder cannot be written.
    """
    if storage.limit == 0:
        return temporary_store(storage)
    folder = Path(storage.folder or os.environ.get("TFFT_STORE") or _user_cache()).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # an attempt, since permission bits do not tell it all
            pass
    except OSError as error:
        raise MachineError(
            "The folder of the store can be written",
            received=f"{folder}: {error.strerror}",
            fix="Choose another with `--store.folder`, or keep nothing with `--store.limit 0`",
        ) from None
    return Store(folder, int(storage.limit * GIGABYTE), _memory(storage), storage.dtype)


def temporary_store(storage: Storage) -> Store:
    """A store in the system's temporary folder that vanishes with it, as large as the disk allows."""
    folder = Path(tempfile.mkdtemp(prefix="tfft-"))
    store = Store(folder, shutil.disk_usage(folder).total, _memory(storage), storage.dtype)
    weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
    return store


def _user_cache() -> Path:
    import platformdirs  # where a system keeps what can be computed again

    return Path(platformdirs.user_cache_dir("tfft", appauthor=False))


def _memory(storage: Storage) -> int:
    if storage.memory is not None:
        return int(storage.memory * GIGABYTE)
    known = hasattr(os, "sysconf")
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 if known else 2 * GIGABYTE
