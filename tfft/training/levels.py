"""Levels: the trunks of a plan, each computed from the one below, in inference mode and in batches of one size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import tensorflow as tf

from tfft.conventions import TOGETHER
from tfft.data.batching.layout import UNSEEN, Layout
from tfft.models.fingerprint import fingerprint, weights_fingerprint
from tfft.models.folding import folded
from tfft.models.trunk import Cut, between

TRUNK_BATCH = TOGETHER
"""Batch size of every trunk; a smaller last batch is filled up. The last bits of a result depend on this number for
some networks (ConvNeXt). Matrix products process three vectors of rows at a time, of 4, 8 or 16 numbers each, and sum
the remaining rows of a batch in another order: with 32 pictures, on processors with AVX2, the last one got other bits
than anywhere else in the batch. 48 leaves no rest."""


@dataclass(frozen=True, eq=False)
class Level:
    """One trunk of a plan, as a step from the trunk below."""

    cut: Cut
    step: keras.Model
    """From the outputs of the trunk below (for the lowest, from the inputs) to the outputs of this one, folded."""
    takes: Layout
    makes: Layout
    multiply_adds: int
    """Of the step, for one example."""
    fingerprint: str
    """Of the whole trunk, from the inputs on."""
    weights: str
    """Fingerprint of the weights only."""

    @property
    def layers(self) -> list[str]:
        """Names of the layers whose outputs cross the cut."""
        return [tensor._keras_history[0].name for tensor in self.cut.crossing]

    @cached_property
    def run(self) -> Callable[..., tf.Tensor]:
        """The compiled step in inference mode, on exactly `TRUNK_BATCH` examples; returns (TRUNK_BATCH, numbers)."""
        signature = [tf.TensorSpec((TRUNK_BATCH, *shape), self.takes.read_as) for shape in self.takes.shapes]

        @tf.function(input_signature=signature, autograph=False)
        def run(*tensors: tf.Tensor) -> tf.Tensor:
            given = [tf.cast(t, wanted.dtype) for t, wanted in zip(tensors, self.step.inputs, strict=True)]
            crossing = tf.nest.flatten(self.step(given[0] if len(given) == 1 else given, training=False))
            crossing = [
                tf.maximum(tensor, UNSEEN) if shape.count(None) > 1 else tensor
                for tensor, shape in zip(crossing, self.makes.shapes, strict=True)
            ]
            flat = [tf.cast(tf.reshape(tensor, (TRUNK_BATCH, -1)), self.makes.dtype) for tensor in crossing]
            return flat[0] if len(flat) == 1 else tf.concat(flat, 1)

        # traced once, here: TensorFlow would count the first call of each new `run` as retracing, and warn
        return run.get_concrete_function()


def levels(cuts: Sequence[Cut], *, takes: Layout, dtype: str) -> tuple[Level, ...]:
    """The levels of the cuts of one model, lowest first.

    Args:
        cuts: Lowest first; each has a trunk, which is a part of the next trunk.
        takes: Layout of the inputs.
        dtype: Of the activations, `"float32"` or `"float16"`.
    """
    built: list[Level] = []
    for number, cut in enumerate(cuts):
        lower = cuts[number - 1] if number else None
        built.append(
            Level(
                cut=cut,
                step=folded(between(lower, cut) if lower else cut.trunk),
                takes=built[-1].makes if built else takes,
                makes=Layout(tuple(cut.shapes), dtype),
                multiply_adds=cut.multiply_adds - (lower.multiply_adds if lower else 0),
                fingerprint=fingerprint(cut.trunk),
                weights=weights_fingerprint(cut.trunk),
            )
        )
    return tuple(built)
