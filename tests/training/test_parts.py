from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.data import Splits
from tfft.models import single_label
from tfft.training import Phase, fine_tune, plan_phases
from tfft.training.parts import train_in_parts
from tfft.training.state import read_state

TASK = single_label(["ant", "bee"])
TUNE = Phase(epochs=2, learning_rate=0.01, unfreeze=1)


class Hungry(keras.layers.Layer):
    """Changes nothing, and asks for 70 TB for each example of a training batch above `most`."""

    def __init__(self, most: int):
        super().__init__()
        self.most = most

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        above = tf.maximum(tf.shape(inputs, tf.int64)[0] - self.most, 0)
        return inputs + 0.0 * tf.reduce_max(tf.fill([1 + above * 2**44], tf.reduce_mean(inputs)))


def trained(
    network: keras.Model, splits: Splits, most: int, folder: Path, batch_size: int = 8
) -> tuple[list[dict], list[np.ndarray]]:
    """Trains a stage and a head without dropout, since parts would draw other numbers."""
    keras.utils.set_random_seed(0)
    fresh = keras.models.clone_model(network)
    fresh.set_weights(network.get_weights())
    pooled = keras.layers.GlobalAveragePooling2D()(Hungry(most)(fresh.get_layer("relu_3").output))
    model = keras.Model(fresh.inputs, keras.layers.Dense(2, activation="softmax")(pooled))
    folder.mkdir()
    history = fine_tune(plan_phases(model, TASK, splits, {"tune": TUNE}, batch_size=batch_size), folder=folder)
    assert read_state(folder).history == history
    return history, model.get_weights()


def test_parts_of_other_sizes_give_the_update_of_the_whole_batch() -> None:
    """5 examples in parts of 3 and 2, with their losses and metrics."""
    inputs, targets = np.arange(10, dtype=np.float32).reshape(5, 2) / 10, np.array([0, 1, 1, 0, 1])
    logs, kernels = [], []
    for parts in (1, 2):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, "softmax", kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
        train_in_parts(model, parts, batch_size=6)
        logs.append(model.fit(inputs, targets, batch_size=6, verbose=0).history)
        kernels.append(model.layers[0].kernel.numpy())
    for name, values in logs[0].items():
        assert values == pytest.approx(logs[1][name], rel=1e-6)
    assert kernels[0] == pytest.approx(kernels[1], abs=1e-6)
    assert np.abs(kernels[0] - 1).min() > 1e-3


@pytest.mark.slow  # TensorFlow waits ten seconds before it gives up
def test_a_batch_that_does_not_fit_is_computed_in_parts(
    network: keras.Model, splits: Splits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the same updates but for rounding; the last batch of an epoch has 4 examples, and so one part."""
    whole, weights = trained(network, splits, 8, tmp_path / "whole")
    assert whole.parts == {}
    halved, others = trained(network, splits, 5, tmp_path / "halved")
    assert halved.parts == {"tune": 2}
    assert "phase tune do not fit into the memory: each is computed in parts of at most 4 examples" in caplog.text
    for one, other in zip(whole.rows, halved.rows, strict=True):
        assert {**one, "phase": 0, "seconds": 0} == pytest.approx({**other, "phase": 0, "seconds": 0}, rel=1e-4)
    for one, other in zip(weights, others, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        trained(network, splits, 0, tmp_path / "none", batch_size=1)
