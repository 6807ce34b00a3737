"""The store: a folder of arrays with a size limit; the least recently used chunks are removed first."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.errors import MachineError, megabytes
from tfft.files import read_json
from tfft.store.arrays import DESCRIPTION, StoredArray, fingerprint
from tfft.store.chunks import IN_USE, SUFFIX
from tfft.store.storage import Storage
from tfft.store.turns import LOCK

GIGABYTE = 10**9
FREE_BYTES = GIGABYTE
"""Bytes left free on the disk, whatever the limit."""
LEFTOVER_SECONDS = 3600
"""Age from which on an unfinished file is a leftover of a killed run."""


@dataclass(frozen=True)
class Store:
    """An open store."""

    folder: Path
    limit: int
    """Most bytes on the disk."""
    memory: int
    """Most bytes that a phase may load into memory."""
    dtype: str
    """Type of stored activations."""

    def array(self, parts: Mapping[str, Any], row_shape: Sequence[int], dtype: str, about: str = "") -> StoredArray:
        """The array with these parts; equal parts give the same rows.

        Args:
            parts: JSON values that decide the values of the array, except the examples.
            row_shape: Shape of a row.
            dtype: Type of the numbers.
            about: Description for the user, not part of the fingerprint.
        """
        parts = {**parts, "shape": list(row_shape), "dtype": dtype}
        return StoredArray(self.folder / fingerprint(parts), {**parts, "about": about}, row_shape, dtype, self)

    def has_room(self, size: int) -> bool:
        """Whether this many more bytes fit the limit and the disk, beside the chunks in use; removes nothing."""
        if not size:
            return True
        removable = sum(size for _, size, _ in self._unused())
        in_use = sum(size for _, size, _ in self._chunks()) - removable
        free = shutil.disk_usage(self.folder).free + removable - FREE_BYTES
        return in_use + size <= self.limit and size <= free

    def make_room(self, size: int) -> None:
        """Removes the least recently used chunks until this many more bytes fit; for 0 bytes removes nothing.

        Raises:
            MachineError: If they cannot fit.
        """
        if not size:
            return
        if not self.has_room(size):
            free = shutil.disk_usage(self.folder).free
            raise MachineError(
                f"The store in {self.folder} has no room for {megabytes(size)}: its limit is {megabytes(self.limit)}, "
                f"and {megabytes(free)} are free, of which {megabytes(FREE_BYTES)} stay free",
                fix="Raise `--store.limit`, choose a `--store.folder` on another disk, or lower `--image-size` or "
                "`--length`",
            )
        total = sum(chunk_size for _, chunk_size, _ in self._chunks())
        for _, chunk_size, path in sorted(self._unused()):
            if total + size <= self.limit and size + FREE_BYTES <= shutil.disk_usage(self.folder).free:
                return
            with contextlib.suppress(PermissionError):  # on systems that do not delete a file in use by another run
                path.unlink(missing_ok=True)
                total -= chunk_size

    def contents(self) -> list[dict[str, Any]]:
        """For each array `parts`, `bytes`, `chunks` and `used` (seconds since 1970), the last used first."""
        arrays = []
        chunks_of: dict[Path, list[tuple[float, int]]] = {}
        for used, size, path in self._chunks():
            chunks_of.setdefault(path.parent, []).append((used, size))
        for folder, chunks in chunks_of.items():
            try:
                parts = read_json(folder / DESCRIPTION)
            except (OSError, ValueError):
                parts = {}
            size, used = sum(size for _, size in chunks), max(used for used, _ in chunks)
            arrays.append({"parts": parts, "bytes": size, "chunks": len(chunks), "used": used})
        return sorted(arrays, key=lambda entry: -entry["used"])

    def clear(self) -> int:
        """Removes every array and returns the number of bytes freed; other files in the folder stay."""
        freed = 0
        for _, size, path in list(self._chunks()):
            with contextlib.suppress(PermissionError):
                path.unlink(missing_ok=True)
                freed += size
        for lock in self.folder.glob(f"*{LOCK}"):
            with contextlib.suppress(OSError):
                lock.unlink()
        for folder in self._folders():
            with contextlib.suppress(OSError):  # another run is adding to it
                if not any(folder.glob(f"*{SUFFIX}")):
                    (folder / DESCRIPTION).unlink(missing_ok=True)
                    folder.rmdir()
        return freed

    def _folders(self) -> list[Path]:
        """Folders of arrays, which are named by fingerprints."""
        return [entry for entry in self.folder.iterdir() if re.fullmatch("[0-9a-f]{32}", entry.name) and entry.is_dir()]

    def _chunks(self) -> Iterator[tuple[float, int, Path]]:
        """Yields the time of the last use, the bytes and the path of each chunk."""
        for path in (path for folder in self._folders() for path in folder.glob(f"*{SUFFIX}")):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # removed by another run
            if path.name.startswith("."):  # unfinished, or a leftover of a killed run
                if time.time() - status.st_mtime > LEFTOVER_SECONDS:
                    path.unlink(missing_ok=True)
                continue
            yield status.st_mtime, status.st_size, path

    def _unused(self) -> list[tuple[float, int, Path]]:
        in_use = {chunk.path for chunk in IN_USE}
        return [chunk for chunk in self._chunks() if chunk[2] not in in_use]


def open_store(storage: Storage) -> Store:
    """Opens a store and creates its folder if necessary; with a limit of 0, the store is temporary.

    Raises:
        MachineError: If the folder cannot be written.
    """
    if storage.limit == 0:
        return temporary_store(storage)
    folder = Path(storage.folder or os.environ.get("TFFT_STORE") or _user_cache()).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permission bits alone do not show whether a folder can be written
            pass
    except OSError as error:
        raise MachineError(
            f"Cannot write the folder of the store, {folder}: {error.strerror}",
            fix="Choose another with `--store.folder`, or keep nothing with `--store.limit 0`",
        ) from None
    return Store(folder, int(storage.limit * GIGABYTE), _memory(storage), storage.dtype)


def temporary_store(storage: Storage) -> Store:
    """A store in a temporary folder, as large as the disk allows; the folder is deleted with the object."""
    folder = Path(tempfile.mkdtemp(prefix="tfft-"))
    store = Store(folder, shutil.disk_usage(folder).total, _memory(storage), storage.dtype)
    weakref.finalize(store, shutil.rmtree, folder, ignore_errors=True)
    return store


def _user_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("tfft", appauthor=False))


def _memory(storage: Storage) -> int:
    if storage.memory is not None:
        return int(storage.memory * GIGABYTE)
    known = hasattr(os, "sysconf")
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if known else 8 * GIGABYTE
    try:
        container = int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no container, or no limit
        container = machine
    return min(machine, container) // 4
