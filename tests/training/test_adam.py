"""Adam in one operation for each weight."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.training.adam import Adam


@pytest.mark.parametrize("decay", [None, 0.01])
def test_steps_and_state_are_those_of_keras(decay: float | None) -> None:
    """In a graph as in `fit`, with a rate that changes, and with the sparse gradient of an embedding."""
    rate = keras.optimizers.schedules.CosineDecay(0.1, 40)
    kept = []
    for make in (keras.optimizers.Adam, Adam):
        rng = np.random.default_rng(0)
        weights = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((5, 7), (7,), ())]
        optimizer = make(rate, weight_decay=decay, global_clipnorm=2.0)
        optimizer.build(weights)

        @tf.function
        def step(row: tf.Tensor, *gradients: tf.Tensor) -> None:
            sparse = tf.IndexedSlices(gradients[0][:1], row[None], tf.constant([5, 7]))
            optimizer.apply([sparse, *gradients[1:]], weights)  # noqa: B023

        for number in range(30):
            gradients = [tf.constant(rng.normal(size=weight.shape), tf.float32) for weight in weights]
            step(tf.constant(number % 5), *gradients)
        kept.append([(v.path.split("/")[-1], v.numpy()) for v in (*weights, *optimizer.variables)])
    for (name, theirs), (other, ours) in zip(*kept, strict=True):
        assert name == other or "variable" in name
        assert ours == pytest.approx(theirs, rel=1e-5, abs=2e-5)


def test_a_weight_is_updated_by_one_operation() -> None:
    weights = [keras.Variable(np.ones((3, 2), np.float32)) for _ in range(4)]
    optimizer = Adam(0.1)
    optimizer.build(weights)

    @tf.function
    def step(gradient: tf.Tensor) -> None:
        optimizer.apply([gradient] * 4, weights)

    kinds = [operation.type for operation in step.get_concrete_function(tf.ones((3, 2))).graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == 4
    assert kinds.count("Pow") == 1  # what all weights share is computed once
