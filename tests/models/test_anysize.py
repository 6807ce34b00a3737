from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from PIL import Image

from tfft.models import any_size

HEIGHT, WIDTH = 24, 40
SIZES = [(48, 64), (17, 95), (96, 20), (24, 41), (7, 9)]


def pictures(height: int, width: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(height).uniform(0, 255, (count, height, width, 3)).astype(np.float32)


def answers(model: keras.Model, pixels: np.ndarray) -> Any:
    """Called, not predicted: a graph of each model would take most of the time."""
    return keras.tree.map_structure(np.asarray, model(pixels, training=False))


def mapper() -> keras.Model:
    """Three classes for each pixel."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.Rescaling(1 / 50)(inputs)
    x = keras.layers.Conv2D(3, 3, padding="same", activation="softmax")(x)
    return keras.Model(inputs, x, name="mapper")


def boxer() -> keras.Model:
    """Two boxes: the whole picture, and one that depends on what is in it."""
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    bright = ops.mean(inputs, axis=(1, 2, 3))
    whole = ops.stack([0 * bright, 0 * bright, 0 * bright + WIDTH, 0 * bright + HEIGHT], -1)
    other = ops.stack([bright / 100, bright / 90, bright / 80, bright / 70], -1)
    scores = ops.stack([bright / 255, bright / 500], -1)
    labels = ops.cast(ops.stack([bright, bright], -1), "int32")
    answer = {"boxes": ops.stack([whole, other], 1), "scores": scores, "labels": labels}
    return keras.Model(inputs, answer, name="boxer")


def test_maps_stay_as_they_are_at_the_size_of_the_model() -> None:
    model, pixels = mapper(), pictures(HEIGHT, WIDTH)
    assert np.array_equal(any_size(model)(pixels), model(pixels))


def test_boxes_stay_as_they_are_at_the_size_of_the_model() -> None:
    model, pixels = boxer(), pictures(HEIGHT, WIDTH)
    expected, received = answers(model, pixels), answers(any_size(model), pixels)
    assert received.keys() == expected.keys()
    for key in expected:
        assert np.array_equal(received[key], expected[key])
        assert received[key].dtype == expected[key].dtype


@pytest.mark.parametrize("size", SIZES)
def test_maps_become_as_large_as_the_picture(size: tuple[int, int]) -> None:
    model, pixels = mapper(), pictures(*size)
    received = answers(any_size(model), pixels)
    small = tf.image.resize(pixels, (HEIGHT, WIDTH), "bilinear", antialias=True)
    expected = tf.image.resize(model(small), size, "bilinear")
    assert received.shape == (2, *size, 3)
    np.testing.assert_allclose(received, expected, atol=2e-5)
    np.testing.assert_allclose(received.sum(axis=-1), 1, atol=1e-5)


def test_pictures_are_made_smaller_as_pillow_does_it() -> None:
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    sees = keras.Model(inputs, keras.layers.Rescaling(1.0)(inputs))
    pixels = pictures(3 * HEIGHT, 2 * WIDTH, 1)
    # at three times the size every third pixel of the enlarged map is one of the small one
    received = answers(any_size(sees), pixels)[0, 1::3]
    for channel in range(3):
        small = Image.fromarray(pixels[0, ..., channel]).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
        expected = np.asarray(small.resize((2 * WIDTH, HEIGHT), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(received[..., channel], expected, atol=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_boxes_are_in_pixels_of_the_picture(size: tuple[int, int]) -> None:
    model, pixels = boxer(), pictures(*size)
    received = answers(any_size(model), pixels)
    expected = answers(model, tf.image.resize(pixels, (HEIGHT, WIDTH), "bilinear", antialias=True))
    height, width = size
    np.testing.assert_allclose(received["boxes"][:, 0], [[0, 0, width, height]] * 2, rtol=1e-6)
    scale = np.array([width / WIDTH, height / HEIGHT] * 2)
    np.testing.assert_allclose(received["boxes"][:, 1], expected["boxes"][:, 1] * scale, rtol=1e-4)
    np.testing.assert_allclose(received["scores"], expected["scores"], rtol=1e-4)
    assert received["labels"].dtype == np.int32
    assert np.array_equal(received["labels"], expected["labels"])


def test_one_model_takes_sizes_one_after_the_other() -> None:
    model = any_size(mapper())
    assert model.name == "mapper"
    assert model.input_shape == (None, None, None, 3)
    for size in SIZES[:2]:
        assert model.predict(pictures(*size), verbose=0).shape == (2, *size, 3)


@pytest.mark.parametrize("make", [mapper, boxer])
def test_it_is_saved_without_anything_of_ours(make: object, tmp_path: Path) -> None:
    model, pixels = any_size(make()), pictures(33, 50)
    model.save(tmp_path / "model.keras")
    reopened = keras.saving.load_model(tmp_path / "model.keras")
    expected, received = (keras.tree.flatten(answers(one, pixels)) for one in (model, reopened))
    for ours, theirs in zip(expected, received, strict=True):
        assert np.array_equal(ours, theirs)
    assert b"tfft" not in (tmp_path / "model.keras").read_bytes()
