from __future__ import annotations

import keras
import pytest

from tfft.errors import ConfigError
from tfft.models import scales_of


def block(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """Halves a map, widens and narrows it, and adds."""
    x = keras.layers.Conv2D(filters, 3, strides=2, padding="same")(x)
    wide = keras.layers.Conv2D(6 * filters, 1)(x)
    return keras.layers.Add(name=name)([x, keras.layers.Conv2D(filters, 1)(wide)])


def test_the_narrowest_map_after_the_last_block() -> None:
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, 2, "fine")  # stride 2
    x = block(x, 4, "middle")  # stride 4
    narrow = keras.layers.Conv2D(3, 1, name="narrow")(x)
    wide = keras.layers.Conv2D(9, 1, name="wide")(narrow)
    backbone = keras.Model(inputs, block(wide, 5, "coarse"))
    found = scales_of(backbone, (2, 4, 8))
    assert [tensor._keras_history.operation.name for tensor in found] == ["fine", "narrow", "coarse"]
    # maps of a model: they can be computed
    assert keras.Model(inputs, found).output_shape == [(None, 16, 16, 2), (None, 8, 8, 3), (None, 4, 4, 5)]


def test_a_map_that_something_goes_past_is_none_of_a_scale() -> None:
    """NASNet hands two tensors on: the narrower of them does not hold all that comes later."""
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, 4, "fine")
    narrow, other = keras.layers.Conv2D(1, 1)(x), keras.layers.Conv2D(3, 1)(x)
    halved = [keras.layers.Conv2D(5, 3, strides=2, padding="same")(tensor) for tensor in (narrow, other)]
    backbone = keras.Model(inputs, keras.layers.Add(name="coarse")(halved))
    assert [tensor._keras_history.operation.name for tensor in scales_of(backbone, (2, 4))] == ["fine", "coarse"]


def test_the_output_stands_for_its_own_stride() -> None:
    inputs = keras.Input((32, 32, 3))
    x = block(inputs, 2, "narrow")
    backbone = keras.Model(inputs, keras.layers.Conv2D(64, 1, name="wide")(x))
    assert scales_of(backbone, (2,)) == [backbone.outputs[0]]


def test_a_map_with_a_frame_is_none_of_a_scale() -> None:
    """The zeros that many networks lay around a map before they halve it belong to no place of the picture."""
    x = inputs = keras.Input((32, 32, 3))
    for stage in (1, 2, 3):
        padded = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        x = keras.layers.Conv2D(4, 3, strides=2, name=f"conv_{stage}")(padded)
    found = scales_of(keras.Model(inputs, keras.layers.ReLU(name="last")(x)), (2, 4, 8))
    assert [tensor._keras_history.operation.name for tensor in found] == ["conv_1", "conv_2", "last"]


def test_a_stride_that_a_network_does_not_have(network: keras.Model) -> None:
    with pytest.raises(ConfigError, match=r"(?=.*\b16\b)(?=.*\[1, 2, 4, 8\])(?=.*--image-size)"):
        scales_of(keras.Model(network.inputs[0], network.get_layer("relu_3").output), (4, 8, 16, 32))
