"""Runs a function in threads, a limited number of items ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 1024
"""Most items to prepare ahead. `Executor.map` submits all of them at once, at 1.5 kB each."""


def in_threads(function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = AHEAD) -> Iterator[Result]:
    """Yields the results of a function for each item, in their order.

    Args:
        function: Called in threads, one for each processor.
        items: Its arguments, which are read lazily.
        ahead: Most results to compute before they are asked for.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
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
