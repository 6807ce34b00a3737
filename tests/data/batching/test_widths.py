from __future__ import annotations

import itertools
import operator

import numpy as np

from tfft.data.batching.layout import Layout
from tfft.data.batching.order import epoch_order
from tfft.data.batching.widths import ByWidth, Tokens, widths_of


def test_widths_hold_their_texts_and_waste_little() -> None:
    lengths = np.arange(1, 2000)
    widths = widths_of(lengths)
    assert (widths >= lengths).all()
    assert (widths - lengths < np.maximum(8, lengths / 4)).all()
    assert len(np.unique(widths)) < 40
    assert (np.diff(widths) >= 0).all()


def test_an_order_by_width_holds_every_text_once_and_changes_with_the_epoch() -> None:
    widths = np.random.default_rng(0).choice([8, 16, 64], 1000)
    one, other = (epoch_order(1000, 0, epoch, widths=widths, group=32) for epoch in (0, 1))
    assert sorted(one) == list(range(1000))
    assert one.tolist() != other.tolist()
    assert one.tolist() == epoch_order(1000, 0, 0, widths=widths, group=32).tolist()
    groups = [widths[one[start : start + 32]] for start in range(0, 992, 32)]
    assert sum(len(set(group)) <= 2 for group in groups) > 24  # at random all three widths meet in each
    assert len({group[0] for group in groups[:10]}) > 1  # not sorted as a whole


def test_chance_decides_which_texts_meet_and_which_come_last() -> None:
    widths = np.sort(np.random.default_rng(0).choice(np.arange(8, 128, 8), 1000))
    orders = [epoch_order(1000, 0, epoch, widths=widths, group=32) for epoch in range(20)]
    last = np.mean([widths[order[992:]].mean() for order in orders])
    assert abs(last - widths.mean()) < 10  # not the longest every time
    starts = range(0, 992, 32)
    pairs = [{frozenset(p) for start in starts for p in itertools.pairwise(o[start : start + 32])} for o in orders[:2]]
    assert len(pairs[0] & pairs[1]) < 30
    many = np.random.default_rng(0).choice(np.arange(8, 128, 8), 2048)
    firsts = many[epoch_order(2048, 0, 0, widths=many, group=4)][::4]
    assert sum(itertools.starmap(operator.gt, itertools.pairwise(firsts))) > 150  # groups do not come short to long
    few = [epoch_order(80, 0, epoch, widths=widths[:80], group=96) for epoch in (0, 1)]
    assert few[0].tolist() != few[1].tolist()


def test_texts_drawn_by_their_rarity_are_brought_into_order_too() -> None:
    widths = np.repeat([8, 16], 50)
    order = epoch_order(100, 0, 0, rarity=np.r_[np.ones(99), 50], sampling="oversample", widths=widths, group=8)
    assert (order == 99).sum() > 10


def test_rows_of_several_widths_are_padded_to_the_longest_that_is_asked_for() -> None:
    layout = Layout(((None, 2), (None,)), "float32")
    parts = {1: np.array([[1, 2, 9], [3, 4, 9]], np.float32), 2: np.array([[5, 6, 7, 8, 9, 9]], np.float32)}
    rows = ByWidth(np.array([1, 2, 1]), parts, layout)
    assert rows[np.array([2, 1, 0])].tolist() == [[3, 4, 0, 0, 9, 0], [5, 6, 7, 8, 9, 9], [1, 2, 0, 0, 9, 0]]
    assert rows[np.array([2, 0])].tolist() == [[3, 4, 9], [1, 2, 9]]


def test_tokens_are_cut_to_the_longest_that_is_asked_for() -> None:
    tokens = Tokens(np.array([[5, 0, 0], [5, 6, 7], [8, 0, 0]], np.int32), np.array([1, 3, 1]))
    for positions, longest in (([0, 2], 1), ([1], 3), ([0, 1], 3)):
        assert tokens[np.array(positions)].shape == (len(positions), longest)
