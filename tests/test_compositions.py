from __future__ import annotations

import numpy as np
from compositions import compose


def test_a_picture_shows_shape_and_ground() -> None:
    rng = np.random.default_rng(0)
    front = np.zeros((16, 16), np.uint8)
    front[4:12, 4:12] = 255
    back, fill = np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 110, np.uint8)
    for _ in range(20):
        shown, plain = compose(front, back, fill, rng)
        assert shown.dtype == np.uint8
        inside, outside = (shown[front == value].astype(float).mean() for value in (255, 0))
        assert abs(inside - outside) > 15
        assert plain or abs(outside - 100) < 10


def test_a_generator_decides_all() -> None:
    front, back, fill = (np.full(shape, 90, np.uint8) for shape in ((8, 8), (8, 8, 3), (8, 8, 3)))
    one, again, other = (compose(front, back, fill, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
