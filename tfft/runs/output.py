"""Output that continues in a file once its reader has gone, as after `tfft run ... | head`, and none but errors."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

LOG = "output.txt"
"""The file in the run folder."""


GONE = {errno.EPIPE, errno.EIO, errno.EINVAL}
"""A closed pipe, a terminal that has been closed, and a closed pipe on Windows."""

MOST_HELD = 2**14
"""Characters that Python's buffers hold back, at most."""


class _Lasting:
    """A text stream that writes to a file once the stream is broken."""

    def __init__(self, stream: TextIO, path: Path):
        self._stream, self._path = stream, path
        self._log: TextIO | None = None
        self._held = ""
        """What the stream may not have passed on yet."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._surviving():
            count = self._stream.write(text)
            passed_on = self._stream.write_through or (self._stream.line_buffering and "\n" in text)
            self._held = "" if passed_on or self._log else (self._held + text)[-MOST_HELD:]
            return count
        return self._stream.write(text)

    def flush(self) -> None:
        with self._surviving():
            self._stream.flush()
            self._held = ""

    @contextlib.contextmanager
    def _surviving(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in GONE:
                raise
            # what the broken stream still holds must not fail again when Python flushes it at its end
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
            self._stream = self._log = self._path.open("a", encoding="utf-8", buffering=1)
            self._stream.write(self._held)

    def close_log(self) -> None:
        """Closes the file, if there is one."""
        if self._log is not None:
            self._log.close()


@contextlib.contextmanager
def lasting_output(folder: Path) -> Iterator[None]:
    """Inside, output and errors continue in `output.txt` once their reader has gone. Notebooks stay as they are."""
    before = sys.stdout, sys.stderr
    if not all(isinstance(stream, io.TextIOWrapper) for stream in before):
        yield
        return
    lasting = [_Lasting(stream, folder / LOG) for stream in before]
    sys.stdout, sys.stderr = lasting
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in lasting:
            stream.close_log()


@contextlib.contextmanager
def errors_only() -> Iterator[None]:
    """Inside, only errors are logged: the other lines of a run would come once for each trial or backbone."""
    root = logging.getLogger("tfft")
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)
