from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfft.data import Label, Record
from tfft.store import Storage


def test_targets_are_places_in_the_sorted_names(records: Callable[[dict[str, int]], list[Record]]) -> None:
    found = records({"wasp": 1, "ant": 2, "bee": 1})
    targets = Label.targets(found, (8, 8), Storage())
    assert targets.labels == ["ant", "bee", "wasp"]
    assert targets.of([0, 1, 2, 3]).tolist() == [2, 0, 0, 1]
    assert targets.of([3, 0]).tolist() == [1, 2]
    assert targets.of([0]).dtype == np.int32
    assert (targets.motion, targets.failed, targets.notes) == (None, {}, ())


def test_a_picture_shows_its_class_once(records: Callable[[dict[str, int]], list[Record]]) -> None:
    targets = Label.targets(records({"ant": 2, "bee": 1}), (8, 8), Storage())
    assert targets.counts([0, 1, 2]) == [2, 1]
    assert targets.counts([1]) == [1, 0]
