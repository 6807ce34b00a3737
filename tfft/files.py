"""Files that are written completely or not at all."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WRITING = ".writing-"
LEFT_SECONDS = 24 * 3600
"""Seconds after which a folder that is still being written was left by a killed process."""


def is_half_written(path: Path) -> bool:
    """Whether a file is one that `replacing` was writing when its process was killed."""
    return re.fullmatch(rf"{re.escape(WRITING)}[0-9a-f]{{32}}(\..*)?", path.name) is not None


@contextmanager
def replacing(path: Path, *, size: int = 0, durable: bool = True, keep: Path | None = None) -> Iterator[Path]:
    """Yields a temporary path beside `path`, which replaces `path` in one step on success.

    The temporary name keeps the suffixes, since some writers choose the format by them. On failure the temporary file
    is removed and an existing `path` is left unchanged.

    Args:
        path: The file to write.
        size: Bytes that it will have at least, if known.
        durable: Whether to wait until the data is on the disk, so that it survives a power cut.
        keep: A path for the file that was at `path` before, or None.

    Raises:
        OSError: If it cannot be written; if the disk has less room than `size`, before anything is written.
    """
    if size and not _has_room(path.parent, size):
        raise disk_full(path, size)
    temporary = path.parent / f"{WRITING}{uuid.uuid4().hex}{''.join(path.suffixes)}"
    # created first, so that an unwritable folder fails before the work; never overwrites another file
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        if keep is not None:
            with suppress(FileNotFoundError):
                path.replace(keep)
        temporary.replace(path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        if error.filename in (str(temporary), None):
            error.filename = str(path)  # the name that the user knows
        if size and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(path, size) from None
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yields a temporary folder beside `folder`, which becomes `folder` in one step on success.

    On failure it is removed with all that is in it. Folders that killed processes left a day ago are removed, too.
    """
    for left in folder.parent.glob(f"{WRITING}*"):
        with suppress(FileNotFoundError):
            if left.is_dir() and is_half_written(left) and time.time() - left.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    temporary = folder.parent / f"{WRITING}{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        yield temporary
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _has_room(folder: Path, size: int) -> bool:
    usage = shutil.disk_usage(folder)
    return size <= usage.free or usage.total == 0  # some network folders do not know their size


def disk_full(path: Path, size: int) -> OSError:
    """The error of a disk without room for a file, with the bytes that it needs as `needed`."""
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    error.needed = size
    return error


def _sync_folder(folder: Path) -> None:
    """Makes a rename in `folder` survive a power cut, on systems that can open a folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text, completely or not at all."""
    content = text.encode("utf-8", errors="replace")  # a path that is no UTF-8 must not cost the whole file
    with replacing(path, size=len(content)) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON; raises `ValueError` for NaN, which JSON does not have."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows, with the keys of the first as header; cells that a spreadsheet would run as formulas are quoted."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: inert(value) for key, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def inert(value: Any) -> Any:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value


def read_json(path: Path) -> Any:
    """Reads UTF-8 JSON; raises `ValueError` if it is not valid, or nested too deeply."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
