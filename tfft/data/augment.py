"""Augmentation as a pure function of (seed, epoch, example), with Keras's own layers, outside the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import keras
import tensorflow as tf

Augmentation = Literal["none", "light", "strong"]


class _Seeds(keras.random.SeedGenerator):
    """A stream of seeds that is decided by one key, without a variable, for Keras layers that take `seed=`."""

    def __init__(self, key: tf.Tensor):
        # the parent would make a variable, whose state would depend on what ran before
        self.key = key
        self.drawn = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        self.drawn += 1
        return tf.random.experimental.stateless_fold_in(self.key, self.drawn)


def augmenter(augment: Augmentation) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Gives a function from one picture and its key to a changed picture.

    Args:
        augment: `"light"` flips left to right, rotates by up to 11 degrees, zooms by up to 10 % and changes
            brightness and contrast by up to 10 %. `"strong"` flips, zooms by up to 20 % and applies two of the
            operations of RandAugment (Cubuk et al. 2020, arXiv:1909.13719), without its solarization.

    Returns:
        A function of a picture, (height, width, 3), in [0, 255], and a key, (2,), int32; it returns
        (height, width, 3), float32, in [0, 255].
    """
    if augment == "light":
        layers = _light()
        return lambda image, key: _finish(_all_of(layers, image, _Seeds(key)))
    layers, choice = _strong()

    def strong(image: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
        seeds = _Seeds(key)
        changed = _all_of(layers, image, seeds)
        for _ in range(2):
            changed = _one_of(choice, changed, seeds)
        return _finish(changed)

    return strong


def example_key(seed: int, epoch: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """The key of one example in one epoch, (2,), int32."""
    run = tf.stack([tf.constant(seed, tf.int32), tf.cast(epoch, tf.int32)])
    return tf.random.experimental.stateless_fold_in(run, example)


def _light() -> list[keras.Layer]:
    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(0.03),
        keras.layers.RandomZoom(0.1),
        keras.layers.RandomBrightness(0.1),
        keras.layers.RandomContrast(0.1),
    ]


def _strong() -> tuple[list[keras.Layer], list[keras.Layer]]:
    return [keras.layers.RandomFlip("horizontal"), keras.layers.RandomZoom(0.2)], [
        keras.layers.RandomShear(0.2, 0.2),
        keras.layers.RandomTranslation(0.15, 0.15),
        keras.layers.RandomRotation(0.08),
        keras.layers.RandomBrightness(0.3),
        keras.layers.RandomColorDegeneration(0.5),
        keras.layers.RandomContrast(0.4),
        keras.layers.RandomSharpness(0.5),
        keras.layers.RandomPosterization(4),
        keras.layers.AutoContrast(),
        keras.layers.Equalization(),
    ]


def _all_of(layers: list[keras.Layer], image: tf.Tensor, seeds: _Seeds) -> tf.Tensor:
    images = tf.cast(image, tf.float32)[tf.newaxis]
    for layer in layers:
        images = _apply(layer, images, seeds)
    return images


def _one_of(layers: list[keras.Layer], images: tf.Tensor, seeds: _Seeds) -> tf.Tensor:
    choice = tf.random.stateless_uniform((), seeds.next(), 0, len(layers), tf.int32)
    streams = [_Seeds(seeds.next()) for _ in layers]  # drawn outside the branches, as a tensor must be
    return tf.switch_case(
        choice, [lambda la=la, st=st: _apply(la, images, st) for la, st in zip(layers, streams, strict=True)]
    )


def _apply(layer: keras.Layer, images: tf.Tensor, seeds: _Seeds) -> tf.Tensor:
    transformation = layer.get_random_transformation(images, training=True, seed=seeds)
    return tf.ensure_shape(layer.transform_images(images, transformation, training=True), images.shape)


def _finish(images: tf.Tensor) -> tf.Tensor:
    return tf.clip_by_value(images[0], 0.0, 255.0)
