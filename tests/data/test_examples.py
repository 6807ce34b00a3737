from __future__ import annotations

from dataclasses import replace

from tfft.data import Splits


def test_the_splits_there_are(splits: Splits) -> None:
    assert [name for name, _ in splits.items()] == ["train", "val", "test"]
    assert [name for name, _ in replace(splits, test=None).items()] == ["train", "val"]
    assert len(splits.train) == 20
