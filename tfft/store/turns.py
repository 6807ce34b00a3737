"""One run at a time computes rows: others wait, and then read what it has stored."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfft import stopping

if TYPE_CHECKING:
    import filelock

logger = logging.getLogger(__name__)

LOCK = ".lock"
"""Suffix of a file beside the folder of an array, locked while a run computes rows; the lock ends with its process."""
NOTICED, PATIENCE = 2, 600
"""Seconds until the wait is announced, and until a run that stores nothing is no longer waited for."""
OFTEN = 0.5
"""Seconds between two looks for a signal."""


@contextlib.contextmanager
def turn(folder: Path, keys: Sequence[str]) -> Iterator[None]:
    """Waits for any other run that computes the same rows, and makes other runs wait until the block ends.

    Where files cannot be locked nobody waits, and if the other run hangs, the wait ends after ten minutes: two runs may
    then compute the same, which does no harm.

    Args:
        folder: The folder of the array.
        keys: The keys of all rows that the run needs, stored or not.

    Raises:
        Interrupted: If a signal asks the run to stop while it waits.
    """
    import filelock

    digest = hashlib.blake2b("\n".join(keys).encode(), digest_size=8).hexdigest()
    lock = filelock.FileLock(folder.with_name(f"{folder.name}-{digest}{LOCK}"))
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

    begun = changed = time.monotonic()
    stored, said = -1, False
    while True:
        stopping.obey()
        try:
            lock.acquire(timeout=OFTEN, poll_interval=OFTEN / 5)
            return
        except filelock.Timeout:
            now, before = time.monotonic(), stored
        stored = sum(1 for _ in folder.glob("*"))
        changed = now if stored != before else changed
        if not said and now - begun > NOTICED:
            said = True
            logger.info("Waiting for another run, which is storing what this one needs")
        if now - changed > PATIENCE:
            logger.warning("The other run has stored nothing for %d minutes: no longer waiting", PATIENCE // 60)
            return
