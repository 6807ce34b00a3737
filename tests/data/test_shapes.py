from __future__ import annotations

import numpy as np
import pytest

from tfft.data.shapes import KINDS, draw_shape


@pytest.mark.parametrize("number", range(3 * len(KINDS)))
def test_a_number_and_a_seed_decide_all(number: int) -> None:
    one, again, other = (draw_shape(number, np.random.default_rng(seed), 48) for seed in (0, 0, 1))
    assert one.shape == (48, 48)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("number", range(40))
def test_something_can_be_seen_and_something_behind_it(number: int) -> None:
    covers = [draw_shape(number, np.random.default_rng(seed), 64) for seed in range(5)]
    shares = [float((cover > 127).mean()) for cover in covers]
    assert min(shares) > 0.01
    assert max(shares) < 0.8
    assert min(cover.max() for cover in covers) == 255
