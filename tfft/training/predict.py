"""Predictions for every example of every split."""

from __future__ import annotations

import logging
import sys

import keras
import numpy as np

from tfft.data.examples import Splits
from tfft.data.pipeline import evaluation_batches

logger = logging.getLogger(__name__)

Predictions = dict[str, np.ndarray]


def predict(model: keras.Model, splits: Splits, *, batch_size: int = 32) -> Predictions:
    """Runs a model over all splits, each example once, unaugmented, in its own order.

    Returns:
        For each split the outputs of the model, (examples, ...), float32.
    """
    predictions = {}
    for name, examples in splits.items():
        logger.info("Scoring %s: %d examples", name, len(examples))
        batches = evaluation_batches(examples, batch_size=batch_size)
        predictions[name] = model.predict(batches, verbose=1 if sys.stdout.isatty() else 0)
    return predictions
