from __future__ import annotations

from dataclasses import replace

import numpy as np

from tfft.data import Splits


def test_counts_are_in_the_order_of_the_labels_even_of_a_class_that_is_not_there(splits: Splits) -> None:
    one_sided = replace(splits, val=replace(splits.val, targets=np.zeros(7, np.int32)))
    assert one_sided.counts() == {"train": [10, 10], "val": [7, 0], "test": [4, 3]}


def test_the_splits_there_are(splits: Splits) -> None:
    assert [name for name, _ in splits.items()] == ["train", "val", "test"]
    assert [name for name, _ in replace(splits, test=None).items()] == ["train", "val"]
    assert len(splits.train) == 20
