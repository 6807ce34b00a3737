from __future__ import annotations

import numpy as np

from tfft.data.demo.textures import KINDS, draw_texture


def test_a_number_and_a_seed_decide_all() -> None:
    for number in range(2 * len(KINDS)):
        one, again, other = (draw_texture(number, np.random.default_rng(seed), 48) for seed in (0, 0, 1))
        assert (one.shape, one.dtype) == ((48, 48, 3), np.uint8)
        assert np.array_equal(one, again), number
        assert not np.array_equal(one, other), number
        assert one.std() > 1, "a texture, not one colour"


def test_two_pictures_of_one_texture_are_nearer_than_those_of_two() -> None:
    """By mean colour and contrast: what a network could tell at least."""
    drawn = [[draw_texture(number, np.random.default_rng(seed), 48) for seed in range(4)] for number in range(24)]
    looks = np.array([[[*p.mean(axis=(0, 1)), *p.std(axis=(0, 1))] for p in pictures] for pictures in drawn])
    within = np.linalg.norm(looks - looks.mean(axis=1, keepdims=True), axis=2).mean()
    between = np.linalg.norm(looks.mean(axis=1) - looks.mean(axis=(0, 1)), axis=1).mean()
    assert between > 2 * within
