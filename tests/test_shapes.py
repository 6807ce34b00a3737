from __future__ import annotations

import numpy as np
from shapes import KINDS, draw_shape


def test_a_number_and_a_seed_decide_all() -> None:
    for number in range(2 * len(KINDS)):
        one, again, other = (draw_shape(number, np.random.default_rng(seed), 48) for seed in (0, 0, 1))
        assert (one.shape, one.dtype) == ((48, 48), np.uint8)
        assert np.array_equal(one, again), number
        assert not np.array_equal(one, other), number


def test_something_can_be_seen_and_something_behind_it() -> None:
    for number in range(40):
        covers = [draw_shape(number, np.random.default_rng(seed), 64) for seed in range(5)]
        shares = [float((cover > 127).mean()) for cover in covers]
        assert min(shares) > 0.01, number
        assert max(shares) < 0.8, number
        assert min(cover.max() for cover in covers) == 255, number
