"""The moving average of the weights: validated and kept in place of the weights, which training goes on from."""

from __future__ import annotations

import keras
import numpy as np


class Averaged(keras.callbacks.Callback):
    """Sets the model to the average at the end of an epoch, for what validates it and keeps the best weights next.

    The optimizer computes the average in each step (Polyak and Juditsky 1992; Tarvainen and Valpola 2017,
    arXiv:1703.01780). Keras's own `SwapEMAWeights` swaps by adding and subtracting, which rounds the weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self._own: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._own = [weight.numpy() for weight in self.model.trainable_weights]
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def restore(self) -> None:
        """Sets the model to the weights that training goes on from."""
        for weight, value in zip(self.model.trainable_weights, self._own, strict=True):
            weight.assign(value)


class Restored(keras.callbacks.Callback):
    """Sets the model back from the average, before anything writes the state.

    Args:
        averaged: What has set it to the average.
    """

    def __init__(self, averaged: Averaged):
        super().__init__()
        self.averaged = averaged

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.averaged.restore()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.averaged.restore()  # Keras has just set the model to the average, and the phase may go on in another `fit`
