from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.models import fingerprint


def build(**changes: object) -> keras.Model:
    keras.utils.set_random_seed(0)
    options = {"filters": 4, "kernel_size": 3, "strides": 2, "activation": "relu", **changes}
    inputs = keras.Input((options.pop("size", 32), 32, 3))
    scale = options.pop("scale", 127.5)
    first = keras.layers.Conv2D(**options)(inputs / scale)
    second = keras.layers.Conv2D(4, 1)(first)
    return keras.Model(inputs, keras.layers.Add()([first, second][:: options.get("order", 1)]))


@pytest.mark.parametrize(
    "changes", [{"strides": 1}, {"activation": "gelu"}, {"scale": 255.0}, {"size": 40}, {"kernel_size": 5}]
)
def test_another_architecture_is_another(changes: dict[str, object]) -> None:
    assert fingerprint(build(**changes)) != fingerprint(build())
    assert fingerprint(build()) == fingerprint(build())


def test_one_bit_of_one_weight_counts_and_the_trainable_flag_does_not() -> None:
    model = build()
    before = fingerprint(model)
    model.trainable = False
    assert fingerprint(model) == before
    bias = model.weights[-1]
    bias.assign(np.nextafter(bias.numpy(), 1))
    assert fingerprint(model) != before


def test_the_wiring_counts() -> None:
    inputs = keras.Input((4,))
    keras.utils.set_random_seed(0)
    a, b = keras.layers.Dense(4), keras.layers.Dense(4)
    one, other = keras.Model(inputs, b(a(inputs))), keras.Model(inputs, a(inputs) + b(inputs))
    assert fingerprint(one) != fingerprint(other)


def test_a_layer_named_after_what_it_does_is_not_taken_for_it() -> None:
    def named(activation: str) -> str:
        inputs = keras.Input((4,))
        return fingerprint(keras.Model(inputs, keras.layers.Activation(activation, name=activation)(inputs)))

    assert named("relu") != named("tanh")


def test_the_type_of_a_layer_counts() -> None:
    def typed(dtype: str) -> str:
        inputs = keras.Input((4,))
        keras.utils.set_random_seed(0)
        return fingerprint(keras.Model(inputs, keras.layers.Dense(2, dtype=dtype)(inputs)))

    assert len({typed(dtype) for dtype in ("float32", "mixed_float16", "mixed_bfloat16", "float32")}) == 3


def test_the_code_of_layers_and_functions_of_yours_counts() -> None:
    def own(layer: keras.Layer) -> str:
        inputs = keras.Input((4,))
        return fingerprint(keras.Model(inputs, layer(inputs)))

    def twice() -> keras.Layer:
        class Own(keras.layers.Layer):
            def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
                return inputs * 2

        return Own()

    def negative() -> keras.Layer:
        class Own(keras.layers.Layer):
            def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
                return -inputs

        return Own()

    assert own(twice()) == own(twice()) != own(negative())
    exec(
        "class Typed(keras.layers.Layer):\n    def call(self, inputs):\n        return inputs",
        scope := {"keras": keras},
    )
    assert own(scope["Typed"]()) == own(scope["Typed"]()) not in (own(twice()), own(negative()))

    def halved(x: keras.KerasTensor) -> keras.KerasTensor:
        return x / 2

    def known(by: float) -> keras.Layer:
        class Own(keras.layers.Layer):
            def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
                return inputs * by

        return Own()

    assert own(known(2)) != own(known(3))
    keras.utils.set_random_seed(0)
    first = own(keras.layers.Dense(2, activation=halved, kernel_initializer="ones"))
    assert first == own(keras.layers.Dense(2, activation=halved, kernel_initializer="ones"))
    halved.__code__ = (lambda x: x / 3).__code__  # under the same name
    assert first != own(keras.layers.Dense(2, activation=halved, kernel_initializer="ones"))
