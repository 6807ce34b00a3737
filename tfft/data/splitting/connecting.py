"""Groups of examples that are connected, directly or over others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np


def connected(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Groups of the numbers below `count` that pairs connect, each in ascending order; most have one member."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones, others = np.array(pairs, int).reshape(-1, 2).T
    links = coo_array((np.ones(len(ones), bool), (ones, others)), shape=(count, count))
    groups: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(connected_components(links, directed=False)[1].tolist()):
        groups[group].append(index)
    return list(groups.values())
