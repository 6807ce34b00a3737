"""Predictions for every example of every split."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from tqdm import tqdm

from tfft.data.examples import Splits
from tfft.data.pipeline import evaluation_batches
from tfft.models.graph import nodes_in_order
from tfft.training.plan import Plan, pixel_layout

logger = logging.getLogger(__name__)

Predictions = dict[str, Any]


def predict(
    model: keras.Model,
    splits: Splits,
    plan: Plan | None = None,
    *,
    batch_size: int = 32,
    keep: Callable[[Any, Any], Any] = lambda answers, targets: answers,
) -> Predictions:
    """Runs a model over all splits, each example once, unaugmented, in its own order.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255]. With a plan, the model of the plan, or one that
            goes on from its outputs.
        splits: The data.
        plan: By which the model was trained on these data; what is frozen is then not computed again.
        batch_size: Examples in a batch.
        keep: From the answers to a batch and its targets to what is kept of them, where all would be too much.

    Raises:
        ConfigError: If the plan is of another model.

    Returns:
        For each split what is kept, or the outputs of the model, (examples, ...), in the structure that the model has.
    """
    if plan is not None and not _goes_on(model, plan.model):
        plan.check_model(model)
    depth = None if plan is None else plan.lowest.depth
    answer = model.predict_on_batch if depth is None else _answering(model, plan)
    predictions = {}
    for name, examples in splits.items():
        logger.info("Scoring %s: %d examples", name, len(examples))
        rows = examples.inputs if depth is None else plan.activations.rows(depth, name, 0)
        layout = pixel_layout(splits) if depth is None else plan.layout(depth)
        batches = evaluation_batches(rows, examples.targets, layout, count=len(examples), batch_size=batch_size)
        shown = tqdm(batches, total=len(batches), desc=f"Scoring {name}", unit=" batches", disable=None, leave=False)
        answers = [keep(tree.map_structure(np.asarray, answer(tensors)), truth.numpy()) for tensors, truth in shown]
        predictions[name] = tree.map_structure(lambda *pieces: np.concatenate(pieces), *answers)
    return predictions


def _goes_on(model: keras.Model, planned: keras.Model) -> bool:
    """Whether a model is another, or starts with it."""
    return model is planned or set(map(id, planned.outputs)) <= {
        id(t) for n in nodes_in_order(model) for t in n.outputs
    }


def _answering(model: keras.Model, plan: Plan) -> Callable[[Any], Any]:
    """What answers to the rows that the lowest phase trains on; what is frozen is not computed again."""
    top = plan.lowest.forward
    if model is plan.model:
        return lambda tensors: top(*tf.nest.flatten(tensors))
    rest = keras.Model(plan.model.outputs[0], model.output)
    after = tf.function(lambda outputs: rest(outputs, training=False), autograph=False, reduce_retracing=True)
    return lambda tensors: after(top(*tf.nest.flatten(tensors)))
