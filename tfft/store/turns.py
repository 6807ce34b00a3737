"""One run at a time fills an array: others wait, and then read what it has stored."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import filelock

logger = logging.getLogger(__name__)

LOCK = ".lock"
"""Suffix of the file beside the folder of an array that is locked while a run fills it; the lock ends with the process
that holds it."""
NOTICED, PATIENCE = 2, 600
"""Seconds of waiting after which that is said, and after which a run that stores nothing is no longer waited for."""


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Waits until no other run fills the array in this folder, and lets others wait as long as the block lasts.

    Where files cannot be locked, or if the other run has stopped without ending, nobody waits: two runs may then
    compute the same, which does no harm.
    """
    import filelock

    # released by the thread that wrote the last rows, not by the one that began
    lock = filelock.FileLock(folder.with_suffix(LOCK), thread_local=False)
    with contextlib.suppress(OSError, NotImplementedError):
        _acquire(lock, folder)
    try:
        yield
    finally:
        if lock.is_locked:
            with contextlib.suppress(OSError):  # first, since a file that is not locked may be locked by another run
                Path(lock.lock_file).unlink()
            lock.release()


def _acquire(lock: filelock.BaseFileLock, folder: Path) -> None:
    import filelock

    seconds, before = NOTICED, -1
    while True:
        try:
            lock.acquire(timeout=seconds, poll_interval=0.2)
            return
        except filelock.Timeout:
            if seconds == NOTICED:
                logger.info("Another run is storing what this one needs: waiting for it")
            stored = sum(1 for _ in folder.glob("*"))
            if stored == before:
                logger.warning("The other run has stored nothing for %d minutes: no longer waiting", PATIENCE // 60)
                return
            seconds, before = PATIENCE, stored
