from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.models import attach_head, cut, load_backbone, single_label, training_model, unfrozen

PIXELS = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)


def names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}


def test_the_cut_follows_the_flags(network: keras.Model) -> None:
    trunk, top = cut(network)
    # the pooling has nothing to train; the dropout of the head was not frozen, that of the backbone was
    assert names(top) == {"head_dropout", "predictions"}
    with unfrozen(network, 1, batch_norm="frozen"):
        trunk, top = cut(network)
        assert {"conv_3", "norm_3", "relu_3", "inner_dropout_3", "pool", "head_dropout", "predictions"} == names(top)
        assert "inner_dropout_2" in names(trunk)
    with unfrozen(network, "all", batch_norm="frozen"):
        trunk, top = cut(network)
        assert {name.partition("_")[0] for name in names(trunk)} == {"rescaling"}


@pytest.mark.parametrize("name", ["MobileNetV2", "NASNetMobile", "EfficientNetB0", "ConvNeXtTiny"])
def test_trunk_and_top_together_are_the_whole(name: str) -> None:
    model = attach_head(load_backbone(name, image_size=(32, 32), weights="none"), single_label(["a", "b"]))
    with unfrozen(model, 1, batch_norm="frozen"):
        trunk, top = cut(model)
        assert trunk.trainable_weights == []
        assert len(top.trainable_weights) == len(model.trainable_weights)
    expected = model(PIXELS, training=False)
    assert np.array_equal(top(trunk(PIXELS, training=False), training=False), expected)
    assert np.array_equal(training_model(model)(PIXELS, training=False), expected)


def test_several_tensors_may_cross() -> None:
    inputs = keras.Input((4,))
    a = keras.layers.Dense(4, name="a", trainable=False)(inputs)
    b = keras.layers.Dense(4, name="b", trainable=False)(a)
    model = keras.Model(inputs, keras.layers.Dense(2, name="c")(keras.layers.Add()([a, keras.layers.Dense(4)(b)])))
    trunk, top = cut(model)
    assert len(trunk.outputs) == len(top.inputs) == 2
    x = np.ones((3, 4), np.float32)
    assert np.array_equal(top(trunk(x)), model(x))


def test_the_trunk_is_in_inference_mode_while_the_top_trains(network: keras.Model) -> None:
    """A dropout below a frozen weight is off, the dropout of the head is on."""
    trained = training_model(network)
    drawn = [np.asarray(trained(PIXELS, training=True)) for _ in range(4)]
    assert not all(np.array_equal(drawn[0], other) for other in drawn)
    network.get_layer("head_dropout").rate = 0.0
    quiet = [np.asarray(training_model(network)(PIXELS, training=True)) for _ in range(4)]
    assert all(np.array_equal(quiet[0], other) for other in quiet)
    # the mistake it is there for: the model as a whole in training mode draws in its frozen part
    loud = [np.asarray(network(PIXELS, training=True)) for _ in range(4)]
    assert not all(np.array_equal(loud[0], other) for other in loud)


def test_statistics_without_scale_and_centre_are_trained_too() -> None:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, name="frozen", trainable=False)(inputs)
    x = keras.layers.BatchNormalization(center=False, scale=False, name="norm")(x)
    _, top = cut(keras.Model(inputs, keras.layers.Dense(2, name="head")(x)))
    assert names(top) == {"norm", "head"}


def test_nothing_frozen_is_no_trunk() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    trunk, top = cut(model)
    assert trunk is None
    assert top is model
    assert training_model(model).count_params() == model.count_params()
