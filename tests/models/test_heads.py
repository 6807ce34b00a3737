from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pytest

from tfft.models import hidden_layers, pooled

PLACES = np.array([[1, 20], [2, 40], [3, 10], [4, 30]], np.float32)


def pooling_of(shape: tuple[int, ...], pooling: str) -> keras.Model:
    """What pools features of a shape."""
    inputs = keras.Input(shape)
    return keras.Model(inputs, pooled(inputs, pooling))


@pytest.mark.parametrize(("pooling", "expected"), [("avg", [2.5, 25]), ("max", [4, 40]), ("avg+max", [2.5, 25, 4, 40])])
@pytest.mark.parametrize("places", [(2, 2), (4,)])
def test_pooling(pooling: str, expected: list[float], places: tuple[int, ...]) -> None:
    model = pooling_of((*places, 2), pooling)
    assert np.asarray(model(PLACES.reshape(1, *places, 2)))[0] == pytest.approx(expected)
    assert model.layers[-1].name == "head_pool"


def test_the_first_token_alone() -> None:
    assert np.asarray(pooling_of((4, 2), "first")(PLACES[None]))[0].tolist() == [1, 20]


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("avg", [-2, -30]),
        ("max", [-1, -20]),
        ("avg+max", [-2, -30, -1, -20]),
        ("first", [-1, -20]),
        ("last", [-3, -40]),
    ],
)
def test_what_the_mask_leaves_out_does_not_count(pooling: str, expected: list[float]) -> None:
    features, mask = keras.Input((None, 2)), keras.Input((None,))
    model = keras.Model([features, mask], pooled([features, mask], pooling))
    rows = np.array([[-1, -20], [-3, -40], [9, 90]], np.float32)
    assert np.asarray(model([rows[None], np.array([[1, 1, 0]], np.float32)]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("pooling", ["avg", "max", "avg+max"])
def test_features_that_are_pooled_already_are_not_pooled_twice(pooling: str) -> None:
    features = keras.Input((4,))
    assert pooled(features, pooling) is features


@pytest.mark.parametrize(("units", "parameters"), [((), 0), ((7,), 6 * 7), ((7, 6), 6 * 7 + 8 * 6)])
def test_hidden_layers_stand_in_order_and_bend(units: Sequence[int], parameters: int) -> None:
    inputs = keras.Input((5,))
    model = keras.Model(inputs, hidden_layers(inputs, units))
    layers = model.layers[1:]
    assert [layer.name for layer in layers] == [f"head_hidden_{number + 1}" for number in range(len(units))]
    assert [layer.units for layer in layers] == list(units)
    assert all(layer.activation is keras.activations.relu for layer in layers)
    assert model.count_params() == parameters
    assert model.output_shape == (None, (5, *units)[-1])


def test_their_names_meet_none_of_a_backbone() -> None:
    """Keras refuses a second layer of one name; those of a backbone are often what Keras itself would call a layer."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="global_average_pooling2d")(inputs)
    for name in ("global_max_pooling2d", "concatenate", "dense", "dense_1", "pool", "dropout"):
        x = keras.layers.Activation("relu", name=name)(x)
    outputs = hidden_layers(pooled(x, "avg+max"), (3, 2))
    assert keras.Model(inputs, outputs).output_shape == (None, 2)


def test_a_mask_works_in_half_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        features, mask = keras.Input((None, 2), dtype="float16"), keras.Input((None,))
        model = keras.Model([features, mask], pooled([features, mask], "avg+max"))
    finally:
        keras.config.set_dtype_policy("float32")
    rows = np.array([[-1, -20], [9, 90]], np.float16)
    assert np.asarray(model([rows[None], np.array([[1, 0]], np.float32)]))[0].tolist() == [-1, -20, -1, -20]
