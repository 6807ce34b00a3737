"""The learning-rate range test: the rate rises from batch to batch until the loss breaks down.

Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186; known as `lr_find` of fastai. The
usual rule, the rate at which the training loss falls most steeply, says little where a head is solved already, for its
training loss can hardly fall. So what counts is the loss of validation examples, and where it rises.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import keras

from tfft.data.batching.batches import training_batches
from tfft.errors import ConfigError, counted
from tfft.models.freezing import unfrozen
from tfft.training.feeding import VAL, rows_and_targets, training_feed
from tfft.training.parts import compile_top
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.schedules import build_optimizer
from tfft.training.validating import validating

LOWEST, HIGHEST = 1e-5, 1.0
"""First and last learning rate."""
PER_DECADE, EACH = 4, 4
"""Learning rates from one power of ten to the next, and batches with each of them."""
HARMED, BROKEN = 1.25, 3.0
"""Factor by which the validation loss rises above its lowest where a rate does harm, and where the test ends."""
LEARNED = 0.8
"""Share of the first validation loss; where the loss falls below it, there was much to learn."""
VALIDATED = 320
"""Most validation examples whose loss is computed after each learning rate."""
UNIT = 1e-3
"""Learning rate with which the optimizer is built; groups of weights have multiples of it."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test has seen, and the learning rate that it suggests."""

    rows: list[dict[str, float]]
    """One for each learning rate, rising: learning_rate, loss (a mean over its batches) and val_loss (after them)."""
    start: float
    """Validation loss before the first step."""
    seconds: float = field(compare=False)

    @property
    def suggestion(self) -> float:
        """The learning rate to train with."""
        return suggested(self.rows, self.start)

    def __str__(self) -> str:
        return (
            f"a range test of {counted(len(self.rows), 'learning rate')} in {self.seconds:.0f} s "
            f"suggests {self.suggestion:.2g}"
        )


def range_test(
    plan: Plan, planned: PlannedPhase, *, parts: int = 1, interrupt: Callable[[], None] = lambda: None
) -> RangeTest:
    """Trains a phase with rising learning rates; afterwards all variables are as they were.

    Args:
        plan: The plan, with the weights that the phase starts from.
        planned: A phase that is trained.
        parts: Parts in which each batch is computed.
        interrupt: Called after each batch; may raise.

    Raises:
        ConfigError: If the head of the phase is solved.
    """
    phase, top, began = planned.phase, planned.top, time.monotonic()
    check_trained(planned)
    count = round(PER_DECADE * math.log10(HIGHEST / LOWEST)) + 1
    rates = [LOWEST * 10 ** (place / PER_DECADE) for place in range(count)]
    first = planned.epoch_numbers.start
    epochs = range(first, first + math.ceil(EACH * len(rates) / plan.steps_per_epoch))
    # the epochs decide which views are needed
    rows, targets = rows_and_targets(plan, replace(planned, epoch_numbers=epochs))
    feed = training_feed(plan, planned, rows, targets)
    validated = validating(plan, planned, rows[VAL], targets[VAL], most=VALIDATED)
    rising = _Rising(rates, validated, interrupt)
    before = [(variable, variable.numpy()) for variable in top.variables]
    with unfrozen(plan.model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank) as stages:
        constant = replace(phase, learning_rate=UNIT, schedule="constant", warmup=0.0, gradual=0.0, average=0.0)
        optimizer = build_optimizer(constant, plan.steps_per_epoch, top.trainable_weights, stages)
        compile_top(plan, planned, optimizer, parts)
        try:
            start = validated()["val_loss"]
            top.fit(
                training_batches(feed, count=plan.splits.per_epoch, epochs=epochs),
                epochs=len(rates),
                steps_per_epoch=EACH,
                callbacks=[rising],
                shuffle=False,
                verbose=0,
            )
        finally:
            for variable, value in before:
                variable.assign(value)
    return RangeTest(rising.rows, start, time.monotonic() - began)


def check_trained(planned: PlannedPhase) -> None:
    """Raises `ConfigError` if the head of a phase is solved, which takes no learning rate."""
    if planned.phase.optimizer == "lbfgs":
        raise ConfigError(
            f"Phase {planned.name} has no learning rate: its head is solved",
            fix=f"Set `--{planned.name}.optimizer adam`, or test another phase",
        )


def suggested(rows: Sequence[Mapping[str, float]], start: float) -> float:
    """The learning rate to train with, from the rows of a range test and the validation loss before its first step.

    Where the loss falls during the test, as that of a new head, it is a tenth of the rate at which the loss is lowest,
    as in fastai. Else the head was trained or solved before, and it is the first rate that does harm, or the highest:
    in a phase that rate is reached after a warm-up, and the schedule lowers it.
    """
    lowest = min(rows, key=lambda row: row["val_loss"] if math.isfinite(row["val_loss"]) else math.inf)
    if lowest["val_loss"] < LEARNED * start:
        return float(f"{lowest['learning_rate'] / 10:.2g}")
    limit = next((row for row in rows if harm(row, rows, start) > HARMED), rows[-1])
    return float(f"{limit['learning_rate']:.2g}")


def harm(row: Mapping[str, float], rows: Sequence[Mapping[str, float]], start: float) -> float:
    """How far the validation loss after a learning rate is above the lowest so far, as a factor; infinite if it is not
    finite."""
    before = itertools.takewhile(lambda other: other is not row, rows)
    lowest = min([start, *(other["val_loss"] for other in before)])
    return row["val_loss"] / lowest if math.isfinite(row["val_loss"]) else math.inf


class _Rising(keras.callbacks.Callback):
    """Sets the learning rate of each round of batches, and ends the training once the loss breaks down.

    Args:
        rates: Learning rates, rising.
        validated: Returns the validation loss as `val_loss`.
        interrupt: Called after each batch; may raise.
    """

    def __init__(
        self, rates: Sequence[float], validated: Callable[[], dict[str, float]], interrupt: Callable[[], None]
    ):
        super().__init__()
        self.rates, self.validated, self.interrupt = rates, validated, interrupt
        self.rows: list[dict[str, float]] = []
        self._factors: list[float] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._factors = [float(group.learning_rate) / UNIT for group in self._groups]

    @property
    def _groups(self) -> list[keras.optimizers.Optimizer]:
        optimizer = self.model.optimizer
        return getattr(optimizer, "optimizers", [optimizer])

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for group, factor in zip(self._groups, self._factors, strict=True):
            group.learning_rate = factor * self.rates[epoch]

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.interrupt()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        losses = {"loss": float(logs["loss"]), "val_loss": self.validated()["val_loss"]}
        self.rows.append({"learning_rate": self.rates[epoch], **losses})
        self.model.stop_training = harm(self.rows[-1], self.rows, math.inf) > BROKEN
