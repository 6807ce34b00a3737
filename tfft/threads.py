"""Work that threads do ahead of the one that needs it, such as reading files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 1024
"""Items that are done ahead at most: `Executor.map` would prepare them all, for 1.5 kB each."""


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int | None = None, ahead: int = AHEAD
) -> Iterator[Result]:
    """Yields the results of a function for each item, in their order.

    Args:
        function: Called in threads.
        items: Its arguments; no more of them are taken than are worked on.
        workers: Threads; by default one for each processor.
        ahead: Most items that are done ahead of what is taken.
    """
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
