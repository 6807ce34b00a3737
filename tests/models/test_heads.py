from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import attach_head, single_label
from tfft.models.heads import dense_head


def headed(shape: tuple[int, ...], **options: Any) -> keras.Model:
    """Three probabilities from features of a shape."""
    inputs = keras.Input(shape)
    head = dense_head(3, "softmax", **{"hidden": (), "dropout": 0.0, "pooling": "avg", **options})
    return keras.Model(inputs, head(inputs))


def test_hidden_layers_and_dropout_stand_where_they_are_said_to() -> None:
    model = headed((6, 6, 5), hidden=(7, 6), dropout=0.3)
    assert [layer.name for layer in model.layers[1:]] == [
        "head_pool",
        "head_hidden_1",
        "head_hidden_2",
        "head_dropout",
        "head_predictions",
    ]
    assert model.get_layer("head_hidden_2").units == 6
    assert model.get_layer("head_dropout").rate == 0.3
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("pooling", ["avg", "avg+max"])
def test_features_that_are_pooled_already_are_not_pooled_twice(pooling: str) -> None:
    assert headed((4,), pooling=pooling).count_params() == 5 * 3


def test_features_in_a_row_are_pooled() -> None:
    inputs = keras.Input((8, 8, 3))
    tokens = keras.Model(inputs, keras.layers.Reshape((64, 3), name="dropout")(inputs))
    assert attach_head(tokens, single_label(["a", "b", "c"], dropout=0.1)).output_shape == (None, 3)


def test_probabilities_stay_float32_in_half_precision() -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = headed((6, 6, 5))
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.output.dtype == "float32"


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"dropout": -0.1}, {"hidden": (0,)}])
def test_what_cannot_be(wrong: dict) -> None:
    with pytest.raises(ConfigError):
        headed((6, 6, 5), **wrong)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("avg", [2.5, 25]), ("max", [4, 40]), ("avg+max", [2.5, 25, 4, 40])],
)
@pytest.mark.parametrize("places", [(2, 2), (4,)])
def test_pooling(pooling: str, expected: list[float], places: tuple[int, ...]) -> None:
    model = headed((*places, 2), pooling=pooling)
    features = np.array([[1, 20], [2, 40], [3, 10], [4, 30]], np.float32).reshape(1, *places, 2)
    pooled = keras.Model(model.input, model.get_layer("head_pool").output)
    assert np.asarray(pooled(features))[0] == pytest.approx(expected)
