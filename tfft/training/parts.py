"""Batches that do not fit into the memory: computed in parts, whose gradients are added up."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import tree

from tfft.training.mixing import mixed_measures
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.recording import Recorder

logger = logging.getLogger(__name__)


def run_in_parts_that_fit(plan: Plan, planned: PlannedPhase, recorder: Recorder, run: Callable[[], None]) -> None:
    """Runs a phase; if a batch does not fit into the memory, again from its start, with twice as many parts.

    Args:
        plan: The plan.
        planned: The phase.
        recorder: The parts are recorded in its history.
        run: Runs the phase, with the parts in the history.

    Raises:
        tf.errors.ResourceExhaustedError: If single examples do not fit, or the memory became too small in validation or
            in later epochs.
    """
    weights = {id(weight) for weight in recorder.kept.weights}
    seeds = [(v, v.numpy()) for v in recorder.kept.variables if id(v) not in weights]
    parts_of, epochs = recorder.history.parts, len(recorder.history.rows)
    while True:
        try:
            return run()
        except tf.errors.ResourceExhaustedError:
            parts = parts_of.get(planned.name, 1)
            if recorder.validating or parts == plan.batch_size or len(recorder.history.rows) > epochs:
                raise
        parts_of[planned.name] = min(2 * parts, plan.batch_size)
        (note,) = parts_notes({planned.name: parts_of[planned.name]}, plan.batch_size)
        logger.warning("%s. Phase %s starts again.", note, planned.name)
        recorder.restore_best()  # a phase starts from these
        for variable, value in seeds:
            variable.assign(value)


def parts_notes(parts_of: Mapping[str, int], batch_size: int) -> list[str]:
    """A sentence for each phase whose batches are computed in parts."""
    return [
        f"Batches of phase {name} do not fit into the memory: each is computed in parts of at most "
        f"{math.ceil(batch_size / parts)} examples, with one update"
        for name, parts in parts_of.items()
    ]


def compile_top(plan: Plan, planned: PlannedPhase, optimizer: keras.optimizers.Optimizer, parts: int) -> None:
    """Compiles the top of a phase whose layers are unfrozen: Keras trains what is trainable when it compiles.

    Args:
        plan: The plan.
        planned: The phase.
        optimizer: A new one.
        parts: Parts in which each batch is computed.
    """
    top, task = planned.top, plan.task
    loss, metrics = mixed_measures(planned.phase, task)
    top.compile(
        optimizer=optimizer,
        loss=loss,
        metrics=metrics,
        # XLA (which Keras does not use on CPUs) compiles for each shape, and texts and parts have many shapes
        jit_compile="auto" if plan.splits.train.one_shape and parts == 1 else False,
    )
    train_in_parts(top, parts, plan.batch_size)
    # otherwise Keras creates the variables in the first step, and TensorFlow traces the step a second time
    optimizer.build(top.trainable_variables)
    for metric in task.metrics:  # Keras only resets metrics that it has used since `compile`
        metric.reset_state()


def train_in_parts(model: keras.Model, parts: int, batch_size: int) -> None:
    """Makes the next `fit` compute each batch in parts, one after another, with one update for all of them.

    The gradient is the mean over the parts, weighted by their examples. For a loss that is a mean over examples, that
    is the gradient of the whole batch but for rounding. Dropout draws for each part.

    Args:
        model: A compiled model; without XLA, which gives a part with fewer examples the shape of the others.
        parts: Parts of a full batch; 1 for Keras's own step.
        batch_size: Examples in a full batch; the last batch of an epoch may have fewer parts.
    """
    vars(model).pop("train_step", None)  # of an earlier phase; what is left is the method of the class
    if parts > 1:
        model.train_step = _step(model, math.ceil(batch_size / parts))
    model.train_function = None  # Keras makes it of the step that it finds


def _step(model: keras.Model, most: int) -> Callable[[Any], dict[str, Any]]:
    """A `train_step` that computes at most so many examples at a time."""

    def train_step(data: Any) -> dict[str, Any]:
        weights = model.trainable_variables
        size = tf.shape(tree.flatten(data)[0])[0]

        def add(start: tf.Tensor, total: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
            part = tree.map_structure(lambda tensor: tensor[start : start + most], data)
            x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(part)
            count = tf.shape(tree.flatten(part)[0])[0]
            with tf.GradientTape() as tape:
                answers = model(x, training=True)
                loss = model.compute_loss(x, y, answers, sample_weight, training=True)
                scaled = model.optimizer.scale_loss(loss)  # for half precision
            gradients = tape.gradient(scaled, weights, unconnected_gradients="zero")
            model.metrics[0].update_state(loss, sample_weight=count)  # Keras's mean of the loss
            model.compute_metrics(x, y, answers, sample_weight)
            share = tf.cast(count, loss.dtype) / tf.cast(size, loss.dtype)
            return start + most, [t + tf.cast(share, t.dtype) * g for t, g in zip(total, gradients, strict=True)]

        zeros = [tf.zeros(weight.shape, weight.dtype) for weight in weights]
        # one after another: parts that are computed side by side would need the memory of the whole batch
        _, gradients = tf.while_loop(lambda start, _: start < size, add, (0, zeros), parallel_iterations=1)
        model.optimizer.apply(gradients, weights)
        return model.get_metrics_result()

    return train_step
