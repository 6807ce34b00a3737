"""Ctrl-C and SIGTERM: a step is finished and its state written before a run stops."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from tfft.errors import Interrupted

NOTICE = "\nStopping after the current step or validation. Press Ctrl-C again to stop at once.\n"


@dataclass
class Stop:
    """Whether a run has been asked to stop."""

    signal: int | None = None
    """The number of the signal; None until one arrives."""

    def obey(self) -> None:
        """Raises `Interrupted` if a signal has arrived."""
        if self.signal is not None:
            raise Interrupted(self.signal)


_postponed: list[Stop] = []
"""The innermost last."""


def obey() -> None:
    """Raises `Interrupted` if `postponed` has recorded a signal: for long work that is not lost if it ends here."""
    if _postponed:
        _postponed[-1].obey()


@contextmanager
def postponed() -> Iterator[Stop]:
    """Inside, the first Ctrl-C or SIGTERM is only recorded; a second one raises `Interrupted` at once.

    Outside the main thread, which alone may receive signals, nothing is recorded.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def record(number: int, frame: FrameType | None) -> None:
        stop.obey()
        stop.signal = number
        with suppress(OSError):  # nobody may read it
            os.write(2, NOTICE.encode())  # not `print`, which this signal may have interrupted

    _postponed.append(stop)
    try:
        with _handled(record, signal.SIGINT, signal.SIGTERM):
            yield stop
    finally:
        _postponed.remove(stop)


@contextmanager
def termination_raises() -> Iterator[None]:
    """Inside, SIGTERM raises `Interrupted`, so that files are closed and locks released."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(leave, signal.SIGTERM):
        yield


@contextmanager
def _handled(handler: signal._HANDLER, *numbers: int) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None: it was set by a program that is not written in Python
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)
