from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Splits


def test_the_splits_there_are(splits: Splits) -> None:
    assert [name for name, _ in splits.items()] == ["train", "val", "test"]
    assert [name for name, _ in replace(splits, test=None).items()] == ["train", "val"]
    assert len(splits.train) == 20


class Masks:
    """Targets that are read from files, one for each row that is asked for."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, row: int) -> None:
        raise AssertionError("a mask was read")


def test_how_often_classes_are_shown(splits: Splits) -> None:
    assert splits.class_shares is None
    rarity = 1 / np.array([15, 5])[np.repeat([0, 1], [15, 5])]
    train = replace(splits.train, targets=np.repeat([0, 1], [15, 5]), rarity=rarity)
    assert replace(splits, train=train, sampling="oversample").class_shares == pytest.approx([10, 10])
    masked = replace(splits, train=replace(splits.train, targets=Masks(), rarity=rarity))
    assert replace(masked, sampling="oversample").class_shares is None
