from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tfft.data import Pictures, Splits, class_balance, epoch_order, label_balance, pixel_balance
from tfft.data.batching.balance import MOST_WEIGHT
from tfft.data.batching.order import shown_per_epoch


def examples(count: int, counts: list[int]) -> Pictures:
    return Pictures(
        np.zeros((count, 1)), np.zeros(count), [f"{i:x}" for i in range(count)], [""] * count, counts=counts
    )


def with_masks(*pixels: list[int]) -> Pictures:
    """Pictures of one row; the values are indices of classes."""
    return replace(examples(len(pixels), [1, 1, 1]), targets=np.array([[row] for row in pixels], np.uint8))


def weights_of(balance: Callable[..., dict[str, Any]], examples: Pictures) -> list[float]:
    return balance(examples, "weights")["weights"]


@pytest.mark.parametrize("balance", [class_balance, label_balance, pixel_balance])
def test_a_loss_changes_only_where_it_is_asked_for_and_counts_are_known(
    splits: Splits, balance: Callable[..., dict[str, Any]]
) -> None:
    plain = {"weights": None, "focal": 0.0, "prior": None}
    for choice in ("none", "oversample", "undersample", "auto"):
        assert balance(splits.train, choice) == plain
    for choice in ("weights", "logit-adjustment"):
        assert balance(None, choice) == balance(examples(3, []), choice) == plain
    assert balance(splits.train, "focal") == {**plain, "focal": 2.0}


def test_rare_classes_weigh_more_and_all_pictures_as_much_as_before() -> None:
    weights = weights_of(class_balance, examples(20, [15, 4, 1]))
    assert weights == pytest.approx([20 / 45, 20 / 12, 20 / 3])
    assert np.dot(weights, [15, 4, 1]) == pytest.approx(20)


def test_equal_classes_weigh_one() -> None:
    assert weights_of(class_balance, examples(9, [3, 3, 3])) == [1, 1, 1]


def test_a_label_weighs_as_much_where_it_is_as_where_it_is_not() -> None:
    weights = weights_of(label_balance, examples(20, [2, 10, 15]))
    assert weights == pytest.approx([9, 1, 1 / 3])
    assert np.multiply(weights, [2, 10, 15]) == pytest.approx([18, 10, 5])


def test_a_class_weighs_by_its_share_of_the_pixels() -> None:
    """6, 3 and 1 pixels of ten; what is ignored does not count."""
    masked = with_masks([0, 0, 0, 0, 1, 255], [0, 0, 1, 1, 2, 255])
    assert weights_of(pixel_balance, masked) == pytest.approx([0.5, 1, 3])


def test_no_class_drowns_the_others() -> None:
    assert weights_of(class_balance, examples(1001, [1000, 1, 0]))[1:] == [MOST_WEIGHT, MOST_WEIGHT]
    assert weights_of(label_balance, examples(1001, [1000, 1, 0]))[1:] == [MOST_WEIGHT, MOST_WEIGHT]
    assert weights_of(pixel_balance, with_masks([0] * 400 + [1] * 400 + [2])) == [1, 1, MOST_WEIGHT]
    assert weights_of(pixel_balance, with_masks([0] * 40 + [1] * 40))[2] == MOST_WEIGHT


def test_a_prior_is_the_share_of_a_class_a_label_or_the_pixels() -> None:
    assert class_balance(examples(20, [15, 4, 1]), "logit-adjustment")["prior"] == pytest.approx([0.75, 0.2, 0.05])
    assert label_balance(examples(19, [5, 10]), "logit-adjustment")["prior"] == pytest.approx([0.25, 0.5])
    masked = with_masks([0, 0, 0, 0, 1, 255], [0, 0, 1, 1, 2, 255])
    assert pixel_balance(masked, "logit-adjustment")["prior"] == pytest.approx([0.6, 0.3, 0.1])


def test_an_epoch_shows_as_many_of_each_class_where_that_is_asked_for() -> None:
    classes = np.repeat([0, 1, 2], [60, 25, 5])
    rarity = 1 / np.array([60, 25, 5])[classes]
    orders = [epoch_order(90, 0, epoch, rarity=rarity, sampling="undersample") for epoch in range(20)]
    for order in orders:
        assert len(set(order.tolist())) == len(order) == 15
        assert Counter(classes[order].tolist()) == {0: 5, 1: 5, 2: 5}
    assert set(np.concatenate(orders)[:75].tolist()) != set(orders[0].tolist())
    assert len(set(np.concatenate(orders).tolist())) > 60  # the epochs show others of the common classes
    over = epoch_order(90, 0, 0, rarity=rarity, sampling="oversample")
    assert len(over) == 90
    assert Counter(classes[over].tolist())[2] > 15


def test_an_epoch_shows_as_many_examples_as_the_shares_of_their_tags_add_up_to() -> None:
    """Shares that are no whole numbers, added up exactly and rounded."""
    rng = np.random.default_rng(0)
    for seed in range(50):
        counts = rng.integers(1, 12, 40).tolist()
        shares = [Fraction(min(counts), count) for count in counts]
        rarity = 1 / np.array(counts)
        order = epoch_order(40, seed, 0, rarity=rarity, sampling="undersample")
        assert len(order) == shown_per_epoch(40, rarity, "undersample") == math.floor(sum(shares) + Fraction(1, 2))
