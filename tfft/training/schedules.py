"""Optimizers and learning-rate schedules for a phase."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from tfft.training.phases import Phase


def build_optimizer(phase: Phase, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """A new optimizer for one phase.

    Args:
        phase: Decides the optimizer, the learning rate and the schedule.
        steps_per_epoch: Batches in an epoch, since schedules count steps.
    """
    rate = learning_rate(phase, steps_per_epoch)
    clip = {"global_clipnorm": phase.clip_norm} if phase.clip_norm else {}
    match phase.optimizer:
        case "adam":
            return keras.optimizers.Adam(rate, **clip)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=phase.weight_decay, **clip)
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=phase.momentum, **clip)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, **clip)


def learning_rate(phase: Phase, steps_per_epoch: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of a phase: constant, or a schedule over its steps.

    The cosine falls to 0 after a linear warm-up (Loshchilov and Hutter 2017, arXiv:1608.03983). With restarts the
    period doubles each time, and the first is a seventh of the phase, so that three periods fill it. Noam rises
    linearly too, and falls with the inverse square root of the step (Vaswani et al. 2017, arXiv:1706.03762).
    """
    steps = max(1, phase.epochs * steps_per_epoch)
    schedules = keras.optimizers.schedules
    match phase.schedule:
        case "constant":
            return phase.learning_rate
        case "cosine":
            warmup = min(round(phase.warmup * steps), steps - 1)
            if not warmup:
                return schedules.CosineDecay(phase.learning_rate, steps)
            return schedules.CosineDecay(0.0, steps - warmup, warmup_target=phase.learning_rate, warmup_steps=warmup)
        case "cosine_restarts":
            # rounded up, since a fourth period would end the phase at the full rate
            return schedules.CosineDecayRestarts(phase.learning_rate, math.ceil(steps / 7), t_mul=2.0)
        case "noam":
            return Noam(phase.learning_rate, max(1, round(phase.warmup * steps)))
        case "exponential":
            return schedules.ExponentialDecay(phase.learning_rate, steps, decay_rate=0.01)


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
