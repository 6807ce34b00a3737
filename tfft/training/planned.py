"""A phase with what it will do to a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import tensorflow as tf

from tfft.training.phases import Phase


@dataclass(frozen=True, order=True)
class SplitView:
    """One split in one view: training examples have several, the others the first alone, as they are."""

    split: str
    view: int = 0


@dataclass(frozen=True, eq=False)
class PlannedPhase:
    """One phase with what it will do to this model."""

    name: str
    phase: Phase
    epoch_numbers: range
    """Its epochs counted over all phases from 0: order and augmentation depend on them."""
    trained: int
    """Parameters that it trains."""
    frozen: int
    """Parameters that it leaves as they are."""
    top: keras.Model
    """What it runs in every step."""
    depth: int | None
    """Level of the activations that it trains on; None trains on pictures or tokens."""
    views: int | None = None
    """How many views of the training examples its epochs walk through; None for a new one in every epoch."""

    @cached_property
    def forward(self) -> Callable[..., tf.Tensor]:
        """The top in inference mode, compiled, on a batch of any size."""

        @tf.function(input_signature=[tf.TensorSpec(t.shape, t.dtype) for t in self.top.inputs], autograph=False)
        def forward(*tensors: tf.Tensor) -> tf.Tensor:
            return self.top(tensors[0] if len(tensors) == 1 else list(tensors), training=False)

        return forward

    def shown(self, epoch: int) -> SplitView:
        """What an epoch, counted over all phases from 0, trains on."""
        return SplitView("train", epoch if self.views is None else epoch % self.views)
