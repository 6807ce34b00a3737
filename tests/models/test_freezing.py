from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import cut, parameters, unfrozen

PIXELS = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
TARGETS = np.array([0, 1, 1, 0])


def train(model: keras.Model) -> None:
    """A step on pictures far from the statistics of a new network: whatever can move, moves."""
    found = cut(model)
    found.top.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", run_eagerly=True)
    found.top.train_on_batch(PIXELS if found.trunk is None else found.trunk(PIXELS, training=False), TARGETS)


@pytest.mark.parametrize("stages", [1, 2, "all"])
def test_not_one_statistic_moves_while_stages_are_tuned(network: keras.Model, stages: int | str) -> None:
    before = {weight.path: weight.numpy() for weight in network.weights}
    with unfrozen(network, stages, batch_norm="frozen"):
        trainable = {weight.path for weight in network.trainable_weights}
        train(network)
    moved = {weight.path for weight in network.weights if not np.array_equal(weight.numpy(), before[weight.path])}
    assert any("conv_3" in path for path in moved)
    assert any("conv_1" in path for path in moved) == (stages == "all")
    assert moved <= trainable
    assert not any("moving" in path or "gamma" in path or "beta" in path for path in trainable)


def test_training_false_at_construction_keeps_statistics_from_keras_3_16_on(network: keras.Model) -> None:
    """As in the Keras guide: `trainable = True` and a call with `training=False`; up to 3.15 `fit` overrides it."""
    inputs = keras.Input((32, 32, 3))
    guide = keras.Model(inputs, network(inputs, training=False))
    for layer in network.layers:
        layer.trainable = True
    guide.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    before = network.get_layer("norm_1").moving_mean.numpy()
    guide.train_on_batch(PIXELS, TARGETS)
    holds = tuple(map(int, keras.version().split(".")[:2])) >= (3, 16)  # keras#23364
    assert np.array_equal(network.get_layer("norm_1").moving_mean.numpy(), before) == holds


def test_batch_norm_moves_when_a_phase_asks_for_it(network: keras.Model) -> None:
    top, bottom = network.get_layer("norm_3"), network.get_layer("norm_1")
    before = top.moving_mean.numpy(), bottom.moving_mean.numpy()
    with unfrozen(network, 1, batch_norm="train"):
        assert top.momentum == 0.9
        train(network)
    assert not np.array_equal(top.moving_mean.numpy(), before[0])
    assert np.array_equal(bottom.moving_mean.numpy(), before[1])
    assert top.momentum == 0.99


def test_flags_are_as_before_afterwards(network: keras.Model) -> None:
    before = [layer.trainable for layer in network.layers]
    with pytest.raises(RuntimeError), unfrozen(network, "all", batch_norm="train"):
        raise RuntimeError
    assert [layer.trainable for layer in network.layers] == before


def test_parameters_are_counted(network: keras.Model) -> None:
    head = 8 * 2 + 2
    assert parameters(network) == (head, network.count_params() - head)
    with unfrozen(network, 1, batch_norm="frozen"):
        assert parameters(network)[0] == head + 3 * 3 * 8 * 8 + 8


def test_more_stages_than_there_are(network: keras.Model) -> None:
    with (
        pytest.raises(ConfigError, match=r"(?=.*unfreeze)(?=.*\b3\b)(?=.*\b4\b)"),
        unfrozen(network, 4, batch_norm="frozen"),
    ):
        pass
