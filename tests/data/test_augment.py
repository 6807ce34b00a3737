from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfft.data.augment import augmenter, example_key

IMAGE = tf.constant(np.random.default_rng(0).integers(0, 256, (24, 24, 3)), tf.float32)


@pytest.mark.parametrize("level", ["light", "strong"])
def test_a_pure_function_of_its_key(level: str) -> None:
    change = tf.function(augmenter(level))
    again = tf.function(augmenter(level))
    keys = [example_key(seed, epoch, example) for seed in (0, 1) for epoch in (0, 1) for example in (5, 6)]
    first = [change(IMAGE, key).numpy() for key in keys]
    second = [again(IMAGE, key).numpy() for key in reversed(keys)]
    assert all(np.array_equal(a, b) for a, b in zip(first, reversed(second), strict=True))
    assert len({image.tobytes() for image in first}) == len(keys)


@pytest.mark.parametrize("level", ["light", "strong"])
def test_pixels_stay_pixels(level: str) -> None:
    change = tf.function(augmenter(level))
    for example in range(40):
        changed = change(IMAGE, example_key(0, tf.constant(0), example)).numpy()
        assert changed.shape == IMAGE.shape
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 255
        assert changed.std() > 10  # still a picture


def test_it_flips_about_half_of_the_time() -> None:
    ramp = tf.constant(np.broadcast_to(np.linspace(0, 200, 24)[None, :, None], (24, 24, 3)), tf.float32)
    change = tf.function(augmenter("light"))
    flipped = [
        bool(image[:, 0].mean() > image[:, -1].mean())
        for image in (change(ramp, example_key(0, tf.constant(0), e)).numpy() for e in range(100))
    ]
    assert 30 < sum(flipped) < 70
