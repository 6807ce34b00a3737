"""Predictions for all examples of all splits."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from tqdm import tqdm

from tfft.conventions import TOGETHER
from tfft.data.batching.batches import evaluation_batches
from tfft.data.examples import Splits
from tfft.errors import ConfigError, counted
from tfft.models.graph import nodes_in_order
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView

logger = logging.getLogger(__name__)

Predictions = dict[str, Any]

MOST_TOGETHER = 512
"""Examples that are predicted at once if they are small."""
NUMBERS = 2**19
"""Most numbers in a larger batch of rows, or of outputs: 2 MB, since what is computed from them may be 50 times as
large."""


def predict(
    model: keras.Model,
    splits: Splits,
    plan: Plan | None = None,
    *,
    batch_size: int | None = None,
    keep: Callable[[Any, Any], Any] = lambda predictions, targets: predictions,
) -> Predictions:
    """By split, the predictions of a model for each example, without augmentation.

    Args:
        model: Takes pictures, (batch, height, width, 3) in [0, 255], or tokens, (batch, length). With a plan, the model
            of the plan, or a model that continues from its outputs.
        splits: The data.
        plan: The plan by which the model was trained on these splits; stored activations are then used again.
        batch_size: Examples in a batch; None for as many as is fast.
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
    if plan is None:
        predict_rows, batch_size = model.predict_on_batch, batch_size or 32
    else:
        answer, batch_size = continued(model, plan.model), batch_size or together(plan, plan.lowest)

        def predict_rows(tensors: Any) -> Any:
            return answer(outputs_of(plan.lowest, tensors))

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


def together(plan: Plan, planned: PlannedPhase) -> int:
    """How many examples a phase predicts at once: full batches of the trunk, as far as rows and outputs are small."""
    if planned.depth is None:
        return plan.batch_size
    # texts come from the shortest to the longest: the last batch is the widest
    longest = plan.splits.val.longest
    sides = (side or longest or 1 for side in planned.top.outputs[0].shape[1:])
    numbers = max(plan.layout(planned.depth).at(longest).numbers, math.prod(sides))
    return max(plan.batch_size, min(MOST_TOGETHER, NUMBERS // numbers) // TOGETHER * TOGETHER)


def outputs_of(planned: PlannedPhase, tensors: Any) -> tf.Tensor:
    """The outputs of the top of a phase, in inference mode, for a batch of the rows that it trains on."""
    # rows are activations, tokens or uint8 pixels; the model takes pixels as floats
    pairs = zip(tf.nest.flatten(tensors), planned.top.inputs, strict=True)
    return planned.forward(*(tf.cast(tensor, wanted.dtype) for tensor, wanted in pairs))


def continued(model: keras.Model, planned_model: keras.Model) -> Callable[[tf.Tensor], Any]:
    """A function from outputs of the model of a plan to predictions as arrays, in the structure of the model's outputs.

    Args:
        model: The model of the plan, or a model that continues from its outputs.
        planned_model: The model of the plan.
    """
    if model is planned_model:
        return lambda outputs: tree.map_structure(np.asarray, outputs)
    rest = keras.Model(planned_model.outputs[0], model.output)
    signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in rest.inputs]
    after = tf.function(lambda outputs: rest(outputs, training=False), input_signature=signature, autograph=False)
    traced = after.get_concrete_function()  # see `Level.run`

    def predictions_of(outputs: tf.Tensor) -> Any:
        return tree.map_structure(np.asarray, traced(outputs))

    predictions_of.model = rest  # keeps its variables alive, which a traced function need not do
    return predictions_of
