from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.models import single_label
from tfft.training.convex import minimized, objective_of


@pytest.mark.parametrize(("examples", "features"), [(60, 5), (20, 30)])
def test_the_gradient_vanishes_with_scaled_variables_and_without(examples: int, features: int) -> None:
    rng = np.random.default_rng(0)
    # features of very different use, which are correlated
    x = (rng.normal(size=(examples, features)) @ rng.normal(size=(features, features))).astype(np.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = (x[:, 0] + 0.5 * rng.normal(size=examples) > 0).astype(np.int32)
    objective = objective_of(single_label(["ant", "bee"]), keras.ops.softmax)
    given = (x, y, np.ones(examples, np.float32))
    strengths, losses = (0.1, 0.001), []
    start = np.zeros((features + 1, 2), np.float32)
    for strength, both in zip(strengths, minimized(objective, given, start, strengths), strict=True):
        loss, slope = objective(*map(tf.constant, (both, np.float32(strength), *given)))
        assert np.abs(slope).max() < 2e-3
        losses.append(float(loss))
    assert losses[1] < losses[0] < np.log(2)
