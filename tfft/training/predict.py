"""Predictions for every example of every split."""

from __future__ import annotations

import logging
import sys

import keras
import numpy as np
import tensorflow as tf

from tfft.data.examples import Splits
from tfft.data.pipeline import evaluation_batches
from tfft.training.plan import Plan, pixel_layout

logger = logging.getLogger(__name__)

Predictions = dict[str, np.ndarray]


def predict(model: keras.Model, splits: Splits, plan: Plan | None = None, *, batch_size: int = 32) -> Predictions:
    """Runs a model over all splits, each example once, unaugmented, in its own order.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255].
        splits: The data.
        plan: By which the model was trained on these data; what is frozen is then not computed again.
        batch_size: Examples in a batch.

    Raises:
        ConfigError: If the plan is of another model.

    Returns:
        For each split the outputs of the model, (examples, ...), float32.
    """
    if plan is not None:
        plan.check_model(model)
    predictions = {}
    for name, examples in splits.items():
        logger.info("Scoring %s: %d examples", name, len(examples))
        if plan is None or plan.lowest.depth is None:
            batches = evaluation_batches(examples.inputs, examples.targets, pixel_layout(splits), batch_size=batch_size)
            predictions[name] = model.predict(batches, verbose=1 if sys.stdout.isatty() else 0)
            continue
        layout = plan.layout(plan.lowest.depth)
        rows = plan.activations.rows(plan.lowest.depth, name, 0)
        batches = evaluation_batches(rows, examples.targets, layout, batch_size=batch_size)
        answers = [plan.lowest.forward(*tf.nest.flatten(tensors)).numpy() for tensors, _ in batches]
        predictions[name] = np.concatenate(answers)
    return predictions
