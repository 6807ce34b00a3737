from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from tfft.training import neighbours


def problem(y: np.ndarray) -> SimpleNamespace:
    """Sixteen examples in two directions, near and far, and three to ask about."""
    angles = np.repeat([0.0, 2.0], 8) + np.linspace(0, 0.1, 16)
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.linspace(1, 50, 16)[:, None]
    asked = np.array([[7.0, 0.1], [-0.4, 0.9], [0.0, 0.0]])
    features = {"train": SimpleNamespace(x=x, y=y), "val": SimpleNamespace(x=asked, y=None)}
    return SimpleNamespace(dense=SimpleNamespace(units=3), **features)


def test_those_in_the_same_direction_vote_however_far_they_are() -> None:
    votes = neighbours(problem(np.repeat([2, 1], 8)))
    assert votes.shape == (3, 3)
    np.testing.assert_array_equal(votes[:2], [[0, 0, 1], [0, 1, 0]])
    assert np.isfinite(votes).all()


def test_numbers_are_averaged_over_the_nearest() -> None:
    values = np.arange(16.0)[:, None]
    assert neighbours(problem(values))[0, 0] == np.mean([1, 2, 3, 4])  # at most the square root of 16 have a vote
