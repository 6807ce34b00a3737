from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.models.folding import InConvolution, WithNorm, folded

RNG = np.random.default_rng(0)
PIXELS = RNG.random((4, 16, 16, 3), np.float32)


def network() -> keras.Model:
    """Every kind of convolution, with what may and may not be folded; its statistics are not those of a new layer."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="plain")(inputs)
    x = keras.layers.BatchNormalization(name="plain_norm")(x)
    x = keras.layers.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=2, name="depthwise")(x)
    x = keras.layers.BatchNormalization(scale=False, name="depthwise_norm")(x)
    x = keras.layers.SeparableConv2D(8, 3, padding="same", name="separable")(x)
    left = keras.layers.BatchNormalization(center=False, name="separable_norm")(x)
    x = keras.layers.Conv2D(8, 1, groups=4, name="grouped")(keras.layers.ReLU()(left))
    x = keras.layers.Add()([keras.layers.BatchNormalization(name="grouped_norm")(x), left])
    x = keras.layers.Conv2D(8, 1, name="twice")(x)
    x = keras.layers.Add()([x, keras.layers.BatchNormalization(name="below_is_used_twice")(x)])
    x = keras.layers.Conv2D(8, 1, activation="relu", name="active")(x)
    x = keras.layers.BatchNormalization(name="below_is_active")(x)
    x = keras.layers.Conv2D(8, 1, name="tail")(x)
    x = keras.layers.BatchNormalization(name="trained")(x)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))
    for weight in model.weights:
        weight.assign(RNG.uniform(0.5, 1.5, weight.shape).astype(np.float32))
    for layer in model.layers:
        layer.trainable = layer.name == "trained" or not isinstance(layer, keras.layers.BatchNormalization)
    return model


def test_what_is_frozen_is_folded_and_answers_stay_but_for_rounding() -> None:
    model = network()
    fast = folded(model)
    assert {layer.name for layer in fast.layers if isinstance(layer, WithNorm)} == {
        "plain", "depthwise", "separable", "grouped",
    }  # fmt: skip
    assert sum(isinstance(layer, InConvolution) for layer in fast.layers) == 4
    np.testing.assert_allclose(fast(PIXELS), model(PIXELS, training=False), rtol=2e-5)
    assert list(map(id, fast.weights)) == list(map(id, model.weights))
    assert list(map(id, fast.trainable_weights)) == list(map(id, model.trainable_weights))
    assert folded(fast) is fast


def test_a_step_of_training_is_that_of_the_model_but_for_rounding() -> None:
    model = network()
    start = model.get_weights()
    after = []
    for one in (model, folded(model)):
        model.set_weights(start)
        one.compile(keras.optimizers.SGD(1e-4), "mse")
        one.train_on_batch(PIXELS, np.zeros((4, 8), np.float32))
        after.append(model.get_weights())
    for before, plain, fast in zip(start, *after, strict=True):
        assert fast - before == pytest.approx(plain - before, rel=1e-3, abs=2e-6)
    assert any(not np.array_equal(before, now) for before, now in zip(start, after[1], strict=True))


def test_without_batch_normalization_it_is_the_model_itself() -> None:
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    assert folded(model) is model


def test_a_sequential_model_is_folded_too() -> None:
    layers = [keras.Input((16, 16, 3)), keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization(trainable=False)]
    model = keras.Sequential(layers)
    fast = folded(model)
    assert any(isinstance(layer, WithNorm) for layer in fast.layers)
    np.testing.assert_allclose(fast(PIXELS), model(PIXELS, training=False), rtol=1e-5, atol=1e-6)
