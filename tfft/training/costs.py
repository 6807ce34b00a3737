"""The cost of the phases of a plan: bytes to store, and seconds estimated from a few timed batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tfft.models.heads import only_dense
from tfft.training.levels import TRUNK_BATCH
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView
from tfft.training.problem import FOLDS, has_few

BACKWARD = 2
"""Cost of a backward pass, in forward passes."""
TRACING = 3
"""Time to trace and compile a training step, as a multiple of that for the forward pass. The first step of five
sixths of MobileNetV2 took 1.4 seconds in place of 0.1, and the first forward pass about 0.4."""
EVALUATIONS = 500
"""Of the loss of a solved head on all its features: 195 on hymenoptera, 546 on trashnet and 987 on sign digits
(MobileNetV2), 304 on banking77 (MiniLM)."""
TIMED_ROWS = 1024
"""Examples in the products that are timed."""
TIMED, TIMING = 3, 0.1
"""How often a call is timed at most, as long as all that takes so many seconds."""


@dataclass(frozen=True)
class Cost:
    """The cost of one phase."""

    stored: int
    """Bytes that the store will hold for the phase."""
    missing: int
    """Bytes that are not stored yet."""
    storing: float
    """Seconds to compute the missing bytes."""
    training: float
    """Seconds of all epochs, including what is streamed."""


def phase_costs(plan: Plan) -> list[Cost]:
    """The cost of each phase; bytes are exact, seconds are estimated from a few batches of zeros.

    The functions compiled for timing are used again to store and to predict.
    """
    activations = plan.activations

    def timed_once(depth: int) -> float:
        known = _timed_as(plan, depth)
        if known not in plan.timed:
            plan.timed[known] = trunk_seconds(plan, depth)
        return plan.timed[known]

    costs = []
    for planned in plan.phases:
        depth, stored, missing, storing, streamed = planned.depth, 0, 0, 0.0, 0.0
        if depth is not None:
            for shown in activations.stored[depth]:
                size, lacking, rows = activations.room(depth, shown)
                stored += size
                missing += lacking
                storing += rows * sum(map(timed_once, _steps(plan, depth, shown))) if rows else 0.0
            val = SplitView("val")
            # a head is solved on all its views at once
            once = planned.phase.optimizer == "lbfgs"
            for shown in {*map(planned.shown, planned.epoch_numbers), val} - activations.stored[depth]:
                epochs = 1 if once else sum(shown in (val, planned.shown(epoch)) for epoch in planned.epoch_numbers)
                steps = _steps(plan, depth, shown)
                streamed += epochs * len(activations.keys[shown.split]) * sum(map(timed_once, steps))
        if planned.phase.optimizer == "lbfgs":
            training = _solving_seconds(plan, planned) + streamed
        else:
            training = _training_seconds(plan, planned) + streamed
        costs.append(Cost(stored, missing, storing, training))
    return costs


def trunk_seconds(plan: Plan, depth: int) -> float:
    """Seconds for one example through the step to a level, from a batch of zeros; texts are of their mean length."""
    level = plan.activations.levels[depth]
    takes = level.takes.at(plan.splits.train.usual_width)
    zeros = [np.zeros((TRUNK_BATCH, *shape), level.takes.read_as) for shape in takes.shapes]
    return _seconds(lambda: level.run(*zeros).numpy())[1] / TRUNK_BATCH


def known_trunk_seconds(plan: Plan, depth: int) -> float | None:
    """Seconds for one example from the inputs to a level, if all steps to it were timed."""
    seconds = [plan.timed.get(_timed_as(plan, step)) for step in range(depth + 1)]
    return None if None in seconds else sum(seconds)


def _timed_as(plan: Plan, depth: int) -> tuple[str, ...]:
    return ("trunk", *(level.fingerprint for level in plan.activations.levels[max(0, depth - 1) : depth + 1]))


def _steps(plan: Plan, depth: int, shown: SplitView) -> list[int]:
    """The steps up to a level from the highest stored level below it, or from the inputs."""
    stored = plan.activations.stored
    return list(range(max([d + 1 for d in range(depth) if shown in stored[d]], default=0), depth + 1))


def _solving_seconds(plan: Plan, planned: PlannedPhase) -> float:
    """Seconds to solve a head on several numbers of blocks, from a few products of zeros; where validation examples are
    few, on the folds of the training examples, too."""
    shape = only_dense(plan.model).kernel.shape
    rows = len(plan.splits.train) * (planned.views or 1)
    known, few = ("solved", *map(str, shape)), min(rows, TIMED_ROWS)
    if known not in plan.timed:
        x, kernel = np.zeros((few, shape[0]), np.float32), np.zeros(shape, np.float32)
        plan.timed[known] = _seconds(lambda: x.T @ (x @ kernel))[1] / few
    heads = 1 + FOLDS if has_few(plan) else 1
    return EVALUATIONS * plan.timed[known] * rows * heads


def _training_seconds(plan: Plan, planned: PlannedPhase) -> float:
    """Seconds to train and validate for all epochs, once their activations are available."""
    level = "" if planned.depth is None else plan.activations.levels[planned.depth].fingerprint
    compiling, forward = ("compiled", level), ("top", level)
    if forward not in plan.timed:
        plan.timed[compiling], plan.timed[forward] = _forward_seconds(plan, planned)
    batches = math.ceil(len(plan.activations.splits.val) / plan.batch_size)
    epoch = plan.timed[forward] * ((1 + BACKWARD) * plan.steps_per_epoch + batches)
    return TRACING * plan.timed[compiling] + planned.phase.epochs * epoch


def _forward_seconds(plan: Plan, planned: PlannedPhase) -> tuple[float, float]:
    """Seconds to compile the top of a phase in inference mode, and of a batch through it."""
    rows = plan.layout(planned.depth).at(plan.splits.train.usual_width).shapes
    # a decoder also takes the targets without their last token
    others = [(plan.splits.train.targets.shape[1] - 1,) for _ in planned.top.inputs[len(rows) :]]
    zeros = [
        np.zeros((plan.batch_size, *shape), tensor.dtype)
        for shape, tensor in zip([*rows, *others], planned.top.inputs, strict=True)
    ]
    return _seconds(lambda: planned.forward(*zeros).numpy())


def about(seconds: float, *, exactly: bool = False) -> str:
    """A duration in words: `"about 40 s"`, `"about 12 min"`; without `about` if it is known exactly."""
    if seconds < 1 and not exactly:
        return "-" if seconds == 0 else "< 1 s"
    number = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    return ("" if exactly else "about ") + (number if seconds < 6000 else f"{seconds / 3600:.1f} h")


def _seconds(function: Callable[[], np.ndarray]) -> tuple[float, float]:
    """Seconds to compile (the first call less a later one), and seconds of one call: the shortest of a
    few, since another process can delay any of them."""
    first, *later = [_timed(function), _timed(function)]
    while len(later) < TIMED and sum(later) + min(later) < TIMING:
        later.append(_timed(function))
    return max(0.0, first - min(later)), min(later)


def _timed(function: Callable[[], np.ndarray]) -> float:
    start = time.monotonic()
    function()
    return time.monotonic() - start
