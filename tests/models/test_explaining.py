from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.models import heat_maps


def spotted(side: int = 32) -> np.ndarray:
    """Grey pictures with a red spot on the left, and with a green one on the right."""
    pixels = np.full((2, side, side, 3), 60, np.uint8)
    pixels[0, 8:16, 4:12] = (250, 0, 0)
    pixels[1, 16:24, 20:28] = (0, 250, 0)
    return pixels


def network(*, nested: bool, several: bool = False) -> keras.Model:
    """Class 0 is red, class 1 green."""
    inputs = keras.Input((32, 32, 3))
    convolution = keras.layers.Conv2D(2, 4, strides=4, activation="relu", name="spots")
    x = convolution(keras.layers.Rescaling(1 / 255)(inputs))
    kernel = np.zeros((4, 4, 3, 2), np.float32)
    kernel[..., 0, 0] = kernel[..., 1, 1] = 1
    kernel[..., 0, 1] = kernel[..., 1, 0] = kernel[..., 2, :] = -1
    convolution.set_weights([kernel, np.zeros(2, np.float32)])
    backbone = keras.Model(inputs, x)
    pixels = keras.Input((32, 32, 3)) if nested else inputs
    pooled = keras.layers.GlobalAveragePooling2D()(backbone(pixels) if nested else x)
    if several:  # a head that sees the pixels, too
        pooled = keras.layers.Concatenate()([pooled, keras.layers.GlobalAveragePooling2D()(pixels)])
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(pixels, dense(pooled))
    dense.set_weights([np.concatenate([np.eye(2), np.zeros((3 * several, 2))]).astype(np.float32), np.zeros(2)])
    return model


@pytest.mark.parametrize("options", [{"nested": False}, {"nested": True}, {"nested": False, "several": True}])
def test_the_spot_that_decides_is_hot_and_nothing_else(options: dict[str, bool]) -> None:
    heats = heat_maps(network(**options), spotted(), np.array([0, 1]))
    assert heats.shape == (2, 8, 8)
    assert heats.dtype == np.float32
    for heat, spot in zip(heats, ((slice(2, 4), slice(1, 3)), (slice(4, 6), slice(5, 7))), strict=True):
        assert heat[spot].min() == pytest.approx(1, abs=0.01)
        inside = np.zeros_like(heat, bool)
        inside[spot] = True
        assert heat[~inside].max() < 0.01
    against = heat_maps(network(**options), spotted(), np.array([1, 0]))  # nothing speaks for the other class
    assert against.max() <= 1
    assert np.isfinite(against).all()


def test_a_model_without_maps_has_no_heat() -> None:
    inputs = keras.Input((8, 8, 3))
    flat = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
    assert heat_maps(flat, np.zeros((1, 8, 8, 3), np.uint8), np.array([0])) is None
    scaled = keras.layers.Rescaling(1 / 255)(inputs)  # pixels are no feature maps
    plain = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(scaled)))
    assert heat_maps(plain, np.zeros((1, 8, 8, 3), np.uint8), np.array([0])) is None
    masks = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs))
    assert heat_maps(masks, np.zeros((1, 8, 8, 3), np.uint8), np.array([0])) is None
