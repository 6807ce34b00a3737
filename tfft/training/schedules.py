"""Optimizers and learning-rate schedules for a phase."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfft.training.adam import Adam
from tfft.training.phases import USUAL_WARMUP, WARMED_UP, Phase

ALIKE = (1.0, 0.0)
"""The group of weights that have the learning rate of the phase, from its start."""


def build_optimizer(
    phase: Phase,
    steps_per_epoch: int,
    weights: Sequence[keras.Variable] = (),
    stages: Sequence[Sequence[keras.Layer]] = (),
) -> keras.optimizers.Optimizer:
    """A new optimizer for one phase, not yet built.

    Biases and the weights of normalizations, which are vectors, do not decay unless the phase asks for it.

    Args:
        phase: Decides the optimizer, the learning rates and the schedule.
        steps_per_epoch: Batches in an epoch, since schedules count steps.
        weights: All weights that are trained.
        stages: Layers of each stage that is trained, the lowest first.

    Returns:
        A single optimizer, or one for each learning rate in a `keras.optimizers.MultiOptimizer`, which shortens the
        gradients of each group by themselves.
    """
    groups = rate_groups(phase, weights, stages)
    vectors = [weight for weight in weights if len(weight.shape) < 2]
    made: dict[tuple[float, float], keras.optimizers.Optimizer] = {}

    def optimizer_of(weight: keras.Variable | None) -> keras.optimizers.Optimizer:
        group = groups.get(id(weight), ALIKE)
        if group not in made:
            made[group] = _optimizer(phase, steps_per_epoch, *group)
            if phase.optimizer == "adamw" and not phase.decay_vectors:
                made[group].exclude_from_weight_decay(var_list=vectors)
        return made[group]

    if set(groups.values()) <= {ALIKE}:
        return optimizer_of(None)
    return keras.optimizers.MultiOptimizer(optimizer_of)


def rate_groups(
    phase: Phase, weights: Sequence[keras.Variable], stages: Sequence[Sequence[keras.Layer]]
) -> dict[int, tuple[float, float]]:
    """The factor of the learning rate of each trained weight, and the epoch from which it is trained, by its `id`.

    The factor is 1 in the top stage and falls by `stage_decay` from each stage to the one below, which is trained
    `gradual` epochs later (Howard and Ruder 2018, "ULMFiT", arXiv:1801.06146). What is in no stage is the head.
    """
    groups = {id(weight): (phase.head_rate, 0.0) for weight in weights}
    for depth, stage in enumerate(reversed(stages)):
        group = (phase.stage_decay**depth, phase.gradual * (depth + 1))
        groups.update({id(weight): group for layer in stage for weight in layer.trainable_weights})
    return groups


def current_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate of an optimizer; of several groups, the highest."""
    groups = getattr(optimizer, "optimizers", [optimizer])
    return max(float(keras.ops.convert_to_numpy(group.learning_rate)) for group in groups)


def _optimizer(phase: Phase, steps_per_epoch: int, factor: float, begins: float) -> keras.optimizers.Optimizer:
    rate = learning_rate(phase, steps_per_epoch, factor)
    if begins:
        rate = Later(rate, round(begins * steps_per_epoch))
    if callable(rate):
        rate = OnceInAGraph(rate)
    more: dict[str, Any] = {"global_clipnorm": phase.clip_norm} if phase.clip_norm else {}
    if phase.average:
        # of the last so many steps, e^-1 of the weight is on older ones
        more.update(use_ema=True, ema_momentum=1 - 1 / max(1.0, phase.average * steps_per_epoch))
    match phase.optimizer:
        case "adamw":
            return Adam(rate, weight_decay=phase.weight_decay, **more)
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=phase.momentum, **more)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, **more)
        case _:
            return Adam(rate, **more)


def learning_rate(
    phase: Phase, steps_per_epoch: int, factor: float = 1.0
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of a phase, times a factor: constant, or a schedule over its steps.

    Each may rise linearly at first (`warmup`). The cosine falls to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983).
    With restarts the period doubles each time, and the first is a seventh of the phase, so that three periods fill it.
    Noam falls with the inverse square root of the step (Vaswani et al. 2017, arXiv:1706.03762).
    """
    steps = max(1, phase.epochs * steps_per_epoch)
    share = phase.warmup
    if share is None:
        share = USUAL_WARMUP if phase.schedule in WARMED_UP else 0.0
    warmup = min(round(share * steps), steps - 1)
    schedules = keras.optimizers.schedules
    highest = factor * phase.learning_rate
    rate: float | schedules.LearningRateSchedule = highest
    match phase.schedule:
        case "cosine":
            if not warmup:
                return schedules.CosineDecay(highest, steps)
            return schedules.CosineDecay(0.0, steps - warmup, warmup_target=highest, warmup_steps=warmup)
        case "noam":
            return Noam(highest, max(1, round(share * steps)))
        case "cosine_restarts":
            # rounded up, since a fourth period would end the phase at the full rate
            rate = schedules.CosineDecayRestarts(highest, math.ceil((steps - warmup) / 7), t_mul=2.0)
        case "exponential":
            rate = schedules.ExponentialDecay(highest, steps - warmup, decay_rate=0.01)
    return WarmUp(rate, warmup) if warmup else rate


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly from 0 before a schedule begins.

    Args:
        after: The learning rate after the warm-up, or its schedule.
        steps: Steps of the warm-up.
    """

    def __init__(self, after: float | keras.optimizers.schedules.LearningRateSchedule, steps: int):
        self.after, self.steps = after, steps

    def __call__(self, step: Any) -> Any:
        done = ops.cast(step, "float32")
        share = ops.minimum(done / self.steps, 1.0)
        return share * (self.after(ops.maximum(done - self.steps, 0.0)) if callable(self.after) else self.after)

    def get_config(self) -> dict[str, Any]:
        return {"after": self.after, "steps": self.steps}


class OnceInAGraph(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that is computed once in a graph.

    Keras asks for the rate again for each weight that decays: a sixth of the time that it takes to trace a step.

    Args:
        schedule: The schedule.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule):
        self.schedule = schedule
        self._traced: tuple[Any, Any] = (None, None)

    def __call__(self, step: Any) -> Any:
        if tf.executing_eagerly():
            return self.schedule(step)
        graph = tf.compat.v1.get_default_graph()
        if self._traced[0] is not graph:
            self._traced = (graph, self.schedule(step))
        return self._traced[1]

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self.schedule}


class Later(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is 0 at first.

    Args:
        rate: The learning rate, or its schedule, which counts all steps.
        first: The first step that is not 0.
    """

    def __init__(self, rate: float | keras.optimizers.schedules.LearningRateSchedule, first: int):
        self.rate, self.first = rate, first

    def __call__(self, step: Any) -> Any:
        return ops.cast(step >= self.first, "float32") * (self.rate(step) if callable(self.rate) else self.rate)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "first": self.first}


class Noam(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises linearly and then falls with the inverse square root of the step.

    Args:
        highest: Learning rate at the end of the warm-up.
        warmup: Steps of the warm-up.
    """

    def __init__(self, highest: float, warmup: int):
        self.highest, self.warmup = highest, warmup

    def __call__(self, step: Any) -> Any:
        done = ops.cast(step, "float32") + 1
        return self.highest * ops.minimum(done / self.warmup, ops.sqrt(self.warmup / done))

    def get_config(self) -> dict[str, float]:
        return {"highest": self.highest, "warmup": self.warmup}
