"""Predictions for all examples of all splits."""

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
from tfft.errors import ConfigError, counted
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
    keep: Callable[[Any, Any], Any] = lambda predictions, targets: predictions,
) -> Predictions:
    """By split, the predictions of a model for each example, without augmentation.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or tokens, (batch, length). With a plan, the model
            of the plan, or a model that continues from its outputs.
        splits: The data.
        plan: The plan by which the model was trained on these splits; stored activations are then used again.
        batch_size: Examples in a batch.
        keep: From the predictions for a batch and its targets to what is returned, where all predictions are too large.

    Raises:
        ConfigError: If the plan belongs to another model.

    Returns:
        For each split the results of `keep`, by default the outputs of the model, (examples, ...), in their structure
        and in the order of the examples.
    """
    if plan is not None and not _goes_on(model, plan.model):
        raise ConfigError(f"The plan belongs to a model other than {model.name}", fix="Call `plan_phases` again")
    depth = None if plan is None else plan.lowest.depth
    predict_rows = model.predict_on_batch if plan is None else answers_to_rows(model, plan.model, plan.lowest)
    predictions = {}
    for name, examples in splits.items():
        logger.info("Predicting %s: %s", name, counted(len(examples), "example"))
        rows = examples.rows if plan is None else plan.activations.rows(depth, SplitView(name))
        layout = examples.layout if plan is None else plan.layout(depth)
        order = examples.order
        batches = evaluation_batches(rows, examples.targets, layout, order=order, batch_size=batch_size)
        bar = tqdm(batches, total=len(batches), desc=f"Predicting {name}", unit=" batches", disable=None, leave=False)
        found = gathered(keep(predict_rows(tensors), truth.numpy()) for tensors, truth in bar)
        predictions[name] = _reordered(found, np.argsort(order))
    return predictions


def _reordered(predictions: Any, order: np.ndarray) -> Any:
    return tree.map_structure(lambda rows: rows[order], predictions)


def gathered(answers: Iterable[Any]) -> Any:
    """Concatenates the predictions for batches, (batch, ...) each, to (examples, ...), in their structure."""
    return tree.map_structure(lambda *pieces: np.concatenate(pieces), *answers)


def _goes_on(model: keras.Model, planned: keras.Model) -> bool:
    """Whether a model is the planned one, or continues from its outputs."""
    return model is planned or set(map(id, planned.outputs)) <= {
        id(t) for n in nodes_in_order(model) for t in n.outputs
    }


def answers_to_rows(model: keras.Model, planned_model: keras.Model, planned: PlannedPhase) -> Callable[[Any], Any]:
    """A function that predicts from the rows that a phase trains on, without computing frozen layers again.

    Args:
        model: The model of the plan, or a model that continues from its outputs.
        planned_model: The model of the plan.
        planned: The phase.

    Returns:
        From the tensors of a batch to the predictions as arrays, in the structure of the outputs of the model.
    """

    def top(tensors: Any) -> tf.Tensor:
        # rows are activations, tokens or uint8 pixels; the model takes pixels as floats
        pairs = zip(tf.nest.flatten(tensors), planned.top.inputs, strict=True)
        return planned.forward(*(tf.cast(tensor, wanted.dtype) for tensor, wanted in pairs))

    if model is planned_model:
        return lambda tensors: tree.map_structure(np.asarray, top(tensors))
    rest = keras.Model(planned_model.outputs[0], model.output)
    signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in rest.inputs]
    after = tf.function(lambda outputs: rest(outputs, training=False), input_signature=signature, autograph=False)
    traced = after.get_concrete_function()  # see `Level.run`

    def predict_rows(tensors: Any) -> Any:
        return tree.map_structure(np.asarray, traced(top(tensors)))

    predict_rows.model = rest  # keeps its variables alive, which a traced function need not do
    return predict_rows
