"""What the phases of a plan will cost: bytes, and seconds from a few timed batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfft.training.levels import TRUNK_BATCH
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView

BACKWARD = 2
"""Forward passes that a backward pass costs."""


@dataclass(frozen=True)
class Cost:
    """Of one phase."""

    stored: int
    """Bytes that the store will hold for it."""
    missing: int
    """Bytes of them that are still to be computed."""
    storing: float
    """Seconds to compute them."""
    training: float
    """Seconds of its epochs, with what is streamed."""


def phase_costs(plan: Plan) -> list[Cost]:
    """The cost of each phase; bytes are exact, seconds are a guess from a few batches of zeros.

    What is compiled to be timed is used again, by the storing pass and to score.
    """
    activations = plan.activations
    seconds = [math.nan] * len(activations.levels)

    def trunk_seconds(depth: int) -> float:
        """Of one example through one step, timed when it is first needed."""
        if math.isnan(seconds[depth]):
            level = activations.levels[depth]
            zeros = [
                np.zeros((TRUNK_BATCH, *s), level.takes.read_as)
                for s in level.takes.at(plan.splits.train.usual_width).shapes
            ]
            seconds[depth] = _seconds(lambda: level.run(*zeros).numpy()) / TRUNK_BATCH
        return seconds[depth]

    found = []
    for planned in plan.phases:
        depth, stored, missing, storing, streamed = planned.depth, 0, 0, 0.0, 0.0
        if depth is not None:
            for shown in activations.stored[depth]:
                size, lacking, places = activations.room(depth, shown)
                stored += size
                missing += lacking
                storing += places * sum(map(trunk_seconds, _steps(plan, depth, shown))) if places else 0.0
            val = SplitView("val")
            for shown in {*map(planned.shown, planned.epoch_numbers), val} - activations.stored[depth]:
                epochs = sum(shown in (val, planned.shown(epoch)) for epoch in planned.epoch_numbers)
                steps = _steps(plan, depth, shown)
                streamed += epochs * len(activations.keys[shown.split]) * sum(map(trunk_seconds, steps))
        training = planned.phase.epochs * _epoch_seconds(plan, planned) + streamed
        found.append(Cost(stored, missing, storing, training))
    return found


def _steps(plan: Plan, depth: int, shown: SplitView) -> list[int]:
    """The steps from what is stored below a level, or from the inputs, up to it."""
    stored = plan.activations.stored
    return list(range(max([d + 1 for d in range(depth) if shown in stored[d]], default=0), depth + 1))


def _epoch_seconds(plan: Plan, planned: PlannedPhase) -> float:
    """Training and validation of one epoch on what is there already."""
    rows = plan.layout(planned.depth).at(plan.splits.train.usual_width).shapes
    # what is given of the targets, if anything is, has a token less than they
    others = [(plan.splits.train.targets.shape[1] - 1,) for _ in planned.top.inputs[len(rows) :]]
    zeros = [
        np.zeros((plan.batch_size, *shape), taken.dtype)
        for shape, taken in zip([*rows, *others], planned.top.inputs, strict=True)
    ]
    forward = _seconds(lambda: planned.forward(*zeros).numpy())
    batches = math.ceil(len(plan.activations.splits.val) / plan.batch_size)
    return forward * ((1 + BACKWARD) * plan.steps_per_epoch + batches)


def _seconds(function: Callable[[], np.ndarray]) -> float:
    function()  # compiles
    start = time.monotonic()
    function()
    return time.monotonic() - start
