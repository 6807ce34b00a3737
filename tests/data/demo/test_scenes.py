from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from tfft.data.demo.digits import digits
from tfft.data.demo.scenes import SIDE, SIZES, Scene, _originals, scenes


@pytest.fixture(scope="module")
def some() -> list[Scene]:
    return list(islice(scenes("val"), 40))


def test_boxes_masks_and_digits_say_the_same(some: list[Scene]) -> None:
    for scene in some:
        assert scene.picture.shape == (SIDE, SIDE, 3)
        assert 1 <= len(scene.digits) == len(scene.boxes) <= 5
        assert scene.count == sum(scene.digits)
        assert set(np.unique(scene.mask)) == {0, *(scene.digits + 1)}
        outside = scene.mask.copy()
        for digit, (left, top, right, bottom) in zip(scene.digits, scene.boxes, strict=True):
            inside = scene.mask[top:bottom, left:right] == digit + 1
            # the box is tight: ink touches each of its sides
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
            outside[top:bottom, left:right] = 0
        assert not outside.any(), "no ink outside of the boxes"


def test_a_digit_can_be_seen(some: list[Scene]) -> None:
    for scene in some:
        for digit, (left, top, right, bottom) in zip(scene.digits, scene.boxes, strict=True):
            picture = scene.picture[top:bottom, left:right].astype(float)
            mask = scene.mask[top:bottom, left:right]
            assert abs(picture[mask == digit + 1].mean() - picture[mask == 0].mean()) > 15


def test_they_are_the_same_each_time_and_others_with_another_seed(
    some: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "val", 2)
    _originals.cache_clear()
    again, others = list(scenes("val")), list(scenes("val", seed=1))
    assert len(again) == len(others) == 2
    for one, same, other in zip(some[:2], again, others, strict=True):
        assert np.array_equal(one.picture, same.picture)
        assert not np.array_equal(one.picture, other.picture)


def test_no_original_is_in_two_splits_and_all_are_in_one() -> None:
    pictures = {
        split: {(digit, one.tobytes()) for digit, found in by_digit.items() for one in found}
        for split, by_digit in _originals(0).items()
    }
    assert pictures.keys() == SIZES.keys()
    assert not pictures["train"] & pictures["val"]
    assert not pictures["train"] & pictures["test"]
    assert not pictures["val"] & pictures["test"]
    assert sum(map(len, pictures.values())) == len({record.read() for record in digits()})
    assert all(len({digit for digit, _ in found}) == 10 for found in pictures.values())
