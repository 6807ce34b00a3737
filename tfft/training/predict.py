"""Predictions for every example of every split."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from tqdm import tqdm

from tfft.data.batching.batches import evaluation_batches
from tfft.data.examples import Splits
from tfft.errors import ConfigError
from tfft.models.graph import nodes_in_order
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView

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
    """Runs a model over all splits, each example once, unaugmented.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or tokens, (batch, length). With a plan, the model
            of the plan, or one that goes on from its outputs.
        splits: The data.
        plan: By which the model was trained on these data; what is frozen is then not computed again.
        batch_size: Examples in a batch.
        keep: From the answers to a batch and its targets to what is kept of them, where all would be too much.

    Raises:
        ConfigError: If the plan is of another model.

    Returns:
        For each split what is kept, or the outputs of the model, (examples, ...), in the order of the examples and the
        structure that the model has.
    """
    if plan is not None and not _goes_on(model, plan.model):
        raise ConfigError("A plan is carried out with its own model", received=model.name, fix="Plan again")
    depth = None if plan is None else plan.lowest.depth
    answer = model.predict_on_batch if plan is None else answers_to_rows(model, plan.model, plan.lowest)
    predictions = {}
    for name, examples in splits.items():
        logger.info("Scoring %s: %d examples", name, len(examples))
        rows = examples.rows if plan is None else plan.activations.rows(depth, SplitView(name))
        layout = examples.layout if plan is None else plan.layout(depth)
        order = examples.order
        batches = evaluation_batches(rows, examples.targets, layout, order=order, batch_size=batch_size)
        shown = tqdm(batches, total=len(batches), desc=f"Scoring {name}", unit=" batches", disable=None, leave=False)
        found = gathered(keep(answer(tensors), truth.numpy()) for tensors, truth in shown)
        predictions[name] = _reordered(found, np.argsort(order))
    return predictions


def _reordered(answers: Any, order: np.ndarray) -> Any:
    return tree.map_structure(lambda some: some[order], answers)


def gathered(answers: Iterable[Any]) -> Any:
    """Answers to batches, (batch, ...) each, as those to all examples, (examples, ...), in their structure."""
    return tree.map_structure(lambda *pieces: np.concatenate(pieces), *answers)


def _goes_on(model: keras.Model, planned: keras.Model) -> bool:
    """Whether a model is another, or starts with it."""
    return model is planned or set(map(id, planned.outputs)) <= {
        id(t) for n in nodes_in_order(model) for t in n.outputs
    }


def answers_to_rows(model: keras.Model, planned_model: keras.Model, planned: PlannedPhase) -> Callable[[Any], Any]:
    """What answers to a batch of the rows that a phase trains on; what is frozen is not computed again.

    Args:
        model: The model of the plan, or one that goes on from its outputs.
        planned_model: The model of the plan.
        planned: The phase.

    Returns:
        From the tensors of a batch to the answers as arrays, in the structure that the model has.
    """

    def top(tensors: Any) -> tf.Tensor:
        # rows are float32, tokens or pixels; the network takes pixels as floats
        pairs = zip(tf.nest.flatten(tensors), planned.top.inputs, strict=True)
        return planned.forward(*(tf.cast(tensor, wanted.dtype) for tensor, wanted in pairs))

    if model is planned_model:
        return lambda tensors: tree.map_structure(np.asarray, top(tensors))
    rest = keras.Model(planned_model.outputs[0], model.output)
    after = tf.function(lambda outputs: rest(outputs, training=False), autograph=False, reduce_retracing=True)
    return lambda tensors: tree.map_structure(np.asarray, after(top(tensors)))
