from __future__ import annotations

import keras
import numpy as np

from tfft.models import cut, unfrozen
from tfft.models.trunk import between, multiply_adds


def names(model: keras.Model) -> set[str]:
    return {layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}


def test_the_cut_follows_the_flags(network: keras.Model) -> None:
    found = cut(network)
    # the pooling has nothing to train; the dropout of the head was not frozen, that of the backbone was
    assert names(found.top) == {"head_dropout", "predictions"}
    assert found.shapes == [(8,)]
    with unfrozen(network, 1, batch_norm="frozen"):
        found = cut(network)
        assert {"conv_3", "norm_3", "relu_3", "inner_dropout_3", "pool", "head_dropout", "predictions"} == names(
            found.top
        )
        assert "inner_dropout_2" in names(found.trunk)
        assert found.multiply_adds == 16 * 16 * 3 * 3 * 3 * 4 + 8 * 8 * 3 * 3 * 4 * 8
    with unfrozen(network, "all", batch_norm="frozen"):
        found = cut(network)
        assert found.trunk is None  # a rescaling computes nothing worth keeping
        assert names(found.top) == names(network)
        found.top.compile("sgd", "mse")
        assert not network.compiled


def test_it_is_narrow() -> None:
    """Where the fewest numbers cross, unless nearly everything below would be computed in every epoch."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(16, 5, trainable=False)(inputs)
    narrow = keras.layers.Conv2D(4, 3, trainable=False, name="narrow")(x)
    wide = keras.layers.Conv2D(24, 1, trainable=False, name="wide")(narrow)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1, name="head")(wide))
    found = cut(model)
    assert [tensor._keras_history[0].name for tensor in found.crossing] == ["narrow"]
    work = 4 * 4 * 5 * 5 * 3 * 16 + 2 * 2 * 3 * 3 * 16 * 4
    assert found.multiply_adds == work
    assert multiply_adds(model) == work + 2 * 2 * 4 * 24 + 2 * 2 * 24 * 2
    costly = keras.layers.Conv2D(8, 3, padding="same", trainable=False, name="costly")(narrow)
    costly = keras.layers.Conv2D(5, 3, padding="same", trainable=False, name="costlier")(costly)
    model = keras.Model(narrow, keras.layers.Conv2D(2, 1, name="head")(costly))
    assert [tensor._keras_history[0].name for tensor in cut(model).crossing] == ["costlier"]


def test_trunk_and_top_together_are_the_whole_even_where_several_tensors_cross() -> None:
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3)).astype(np.float32)
    inputs = keras.Input((8, 8, 3))
    x, y = (keras.layers.Conv2D(4, 3, name=name)(inputs) for name in ("left", "right"))
    for block in (1, 2):  # each hands two tensors on, as NASNet
        x, y = keras.layers.Add()([keras.layers.Conv2D(4, 1, name=f"block_{block}")(y), x]), x
    backbone = keras.Model(inputs, keras.layers.Concatenate()([x, y]))
    backbone.trainable = False
    outputs = keras.layers.Dense(2, name="head")(keras.layers.GlobalAveragePooling2D()(backbone.output))
    model = keras.Model(inputs, outputs)
    head = cut(model)
    model.get_layer("block_2").trainable = True
    tune = cut(model)
    assert (len(head.crossing), len(tune.crossing)) == (1, 2)
    assert tune.trunk.trainable_weights == []
    assert len(tune.top.trainable_weights) == len(model.trainable_weights)
    expected = model(pixels, training=False)
    below = tune.trunk(pixels, training=False)
    assert np.array_equal(tune.top(below, training=False), expected)
    above = between(tune, head)(below, training=False)
    assert np.array_equal(head.top(above, training=False), expected)


def test_a_tensor_that_crosses_both_cuts() -> None:
    inputs = keras.Input((4,))
    a = keras.layers.Dense(4, name="a", trainable=False)(inputs)
    b = keras.layers.Dense(4, name="b", trainable=False)(a)
    model = keras.Model(inputs, keras.layers.Dense(2, name="c")(keras.layers.Add()([a, keras.layers.Dense(4)(b)])))
    upper = cut(model)
    model.get_layer("b").trainable = True
    lower = cut(model)
    x = np.ones((3, 4), np.float32)
    assert len(upper.crossing) == 2
    assert np.array_equal(upper.top(between(lower, upper)(lower.trunk(x))), model(x))


def test_a_layer_that_draws_is_not_left_to_the_top() -> None:
    """A frozen dropout that widens what it gets: in the top it would be active in training."""
    inputs = keras.Input((8, 8, 3))
    narrow = keras.layers.Conv2D(2, 3, trainable=False, name="narrow")(inputs)
    wide = keras.layers.Conv2D(64, 1, trainable=False, name="wide")(narrow)
    for drawn, trunk_ends in (
        (wide, "narrow"),
        (keras.layers.Dropout(0.5, trainable=False, name="draws")(wide), "draws"),
    ):
        model = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="head")(drawn))
        assert [tensor._keras_history[0].name for tensor in cut(model).crossing] == [trunk_ends]


def test_an_input_that_the_top_needs_too_leaves_no_trunk() -> None:
    inputs = keras.Input((4,))
    frozen = keras.layers.Dense(4, trainable=False)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Add()([frozen, inputs * 2.0])))
    assert cut(model).trunk is not None
    skipping = keras.Model(
        inputs, keras.layers.Dense(2)(keras.layers.Concatenate()([frozen, keras.layers.Dense(2)(inputs)]))
    )
    assert cut(skipping).trunk is None


def test_statistics_without_scale_and_centre_are_trained_too() -> None:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(4, name="frozen", trainable=False)(inputs)
    x = keras.layers.BatchNormalization(center=False, scale=False, name="norm")(x)
    assert names(cut(keras.Model(inputs, keras.layers.Dense(2, name="head")(x))).top) == {"norm", "head"}


def test_nothing_frozen_is_no_trunk() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    found = cut(model)
    assert (found.trunk, found.crossing, found.multiply_adds) == (None, (), 0)
    assert found.top.count_params() == model.count_params()
