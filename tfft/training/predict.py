"""Predictions for every example of every split."""

from __future__ import annotations

import keras
import numpy as np

from tfft.data.pipeline import evaluation_batches
from tfft.data.splits import Splits

Predictions = dict[str, np.ndarray]


def predict(model: keras.Model, splits: Splits, *, batch_size: int = 32) -> Predictions:
    """Runs a model over all splits, each example once, unaugmented, in its own order.

    Returns:
        For each split the outputs of the model, (examples, ...), float32.
    """
    return {
        name: model.predict(evaluation_batches(examples, batch_size=batch_size), verbose=0)
        for name, examples in splits.items()
    }
