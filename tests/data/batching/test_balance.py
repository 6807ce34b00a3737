from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tfft.data import Pictures, Splits, class_weights, label_weights, pixel_weights
from tfft.data.batching.balance import MOST_WEIGHT


def examples(count: int, counts: list[int]) -> Pictures:
    return Pictures(
        np.zeros((count, 1)), np.zeros(count), [f"{i:x}" for i in range(count)], [""] * count, counts=counts
    )


def with_masks(*pixels: list[int]) -> Pictures:
    """Pictures of one row; the values are indices of classes."""
    return replace(examples(len(pixels), [1, 1, 1]), targets=np.array([[row] for row in pixels], np.uint8))


@pytest.mark.parametrize("weights", [class_weights, label_weights, pixel_weights])
def test_weights_only_where_they_are_asked_for_and_known(splits: Splits, weights: type(class_weights)) -> None:
    assert weights(splits.train, "none") is None
    assert weights(splits.train, "sample") is None
    assert weights(None, "weights") is None
    assert weights(examples(3, []), "weights") is None


def test_rare_classes_weigh_more_and_all_pictures_as_much_as_before() -> None:
    weights = class_weights(examples(20, [15, 4, 1]), "weights")
    assert weights == pytest.approx([20 / 45, 20 / 12, 20 / 3])
    assert np.dot(weights, [15, 4, 1]) == pytest.approx(20)


def test_equal_classes_weigh_one() -> None:
    assert class_weights(examples(9, [3, 3, 3]), "weights") == [1, 1, 1]


def test_a_label_weighs_as_much_where_it_is_as_where_it_is_not() -> None:
    weights = label_weights(examples(20, [2, 10, 15]), "weights")
    assert weights == pytest.approx([9, 1, 1 / 3])
    assert np.multiply(weights, [2, 10, 15]) == pytest.approx([18, 10, 5])


def test_a_class_weighs_by_its_share_of_the_pixels() -> None:
    """6, 3 and 1 pixels of ten; what is ignored does not count."""
    masked = with_masks([0, 0, 0, 0, 1, 255], [0, 0, 1, 1, 2, 255])
    assert pixel_weights(masked, "weights") == pytest.approx([0.5, 1, 3])


def test_no_class_drowns_the_others() -> None:
    assert class_weights(examples(1001, [1000, 1, 0]), "weights")[1:] == [MOST_WEIGHT, MOST_WEIGHT]
    assert label_weights(examples(1001, [1000, 1, 0]), "weights")[1:] == [MOST_WEIGHT, MOST_WEIGHT]
    assert pixel_weights(with_masks([0] * 400 + [1] * 400 + [2]), "weights") == [1, 1, MOST_WEIGHT]
    assert pixel_weights(with_masks([0] * 40 + [1] * 40), "weights")[2] == MOST_WEIGHT
