from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tfft.data import Label, Record
from tfft.data.targets import Form


def test_targets_are_places_in_the_sorted_names(records: Callable[[dict[str, int]], list[Record]]) -> None:
    found = records({"wasp": 1, "ant": 2, "bee": 1})
    targets = Label.targets(found, Form((8, 8)))
    assert targets.labels == ["ant", "bee", "wasp"]
    assert targets.of([0, 1, 2, 3]).tolist() == [2, 0, 0, 1]
    assert targets.of([3, 0]).tolist() == [1, 2]
    assert targets.of([0]).dtype == np.int32
    assert (targets.motion, targets.failed, targets.notes) == (None, {}, ())


def test_labels_of_all_splits_come_from_one_list(records: Callable[[dict[str, int]], list[Record]]) -> None:
    splits = ("train", "train", "train", "val", "test")
    found = records({"ant": 1, "bee": 1, "wasp": 3})
    targets = Label.targets([replace(r, split=s) for r, s in zip(found, splits, strict=True)], Form((8, 8)))
    assert targets.of([0, 1, 2, 3, 4]).tolist() == [0, 1, 2, 2, 2]


def test_a_picture_shows_its_class_once(records: Callable[[dict[str, int]], list[Record]]) -> None:
    targets = Label.targets(records({"ant": 2, "bee": 1}), Form((8, 8)))
    assert targets.counts([0, 1, 2]) == [2, 1]
    assert targets.counts([1]) == [1, 0]
