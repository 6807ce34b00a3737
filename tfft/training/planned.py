"""A phase, and what it will do to a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import keras
import tensorflow as tf

from tfft.training.phases import Phase


@dataclass(frozen=True, order=True)
class SplitView:
    """One split in one view. Only training examples have several views; view 0 is the unchanged example."""

    split: str
    view: int = 0


@dataclass(frozen=True, eq=False)
class PlannedPhase:
    """One phase, and what it will do to the model."""

    name: str
    phase: Phase
    epoch_numbers: range
    """Its epochs, counted from 0 over all phases; order and augmentation depend on them."""
    trained: int
    """Number of parameters that it trains."""
    frozen: int
    """Number of parameters that it does not train."""
    top: keras.Model
    """The part of the model that runs in every step, folded (`tfft.models.folding`)."""
    depth: int | None
    """Level of the activations that it trains on; None for pictures or tokens."""
    views: int | None = None
    """Number of views of the training examples, used in turn by the epochs; None for a new view in every epoch."""

    @cached_property
    def forward(self) -> Callable[..., tf.Tensor]:
        """The top in inference mode, compiled, on a batch of any size."""

        @tf.function(input_signature=[tf.TensorSpec(t.shape, t.dtype) for t in self.top.inputs], autograph=False)
        def forward(*tensors: tf.Tensor) -> tf.Tensor:
            return self.top(tensors[0] if len(tensors) == 1 else list(tensors), training=False)

        return forward.get_concrete_function()  # traced once, see `Level.run`

    def shown(self, epoch: int) -> SplitView:
        """The split and view that an epoch, counted from 0 over all phases, trains on."""
        return SplitView("train", epoch if self.views is None else epoch % self.views)
