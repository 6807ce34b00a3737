"""The moving average of the weights: validated and kept in place of the weights, which training goes on from."""

from __future__ import annotations

import keras
import numpy as np


class Averaging(keras.callbacks.Callback):
    """Sets the model to the average while an epoch is validated and recorded.

    The optimizer computes the average in each step (Polyak and Juditsky 1992; Tarvainen and Valpola 2017,
    arXiv:1703.01780). Keras's own `SwapEMAWeights` swaps by adding and subtracting, which rounds the weights.

    Must be called after what records an epoch and before what writes the state.
    """

    def __init__(self) -> None:
        super().__init__()
        self._own: list[np.ndarray] = []

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._own = [weight.numpy() for weight in self.model.trainable_weights]
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._restore()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._restore()  # Keras has just set the model to the average, and the phase may go on in another `fit`

    def _restore(self) -> None:
        for weight, value in zip(self.model.trainable_weights, self._own, strict=True):
            weight.assign(value)
