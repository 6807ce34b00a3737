"""What a phase is trained and validated on: rows, targets and batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from tfft.data.batching.batches import Feed
from tfft.data.batching.order import fetched_together
from tfft.data.batching.widths import ByWidth
from tfft.data.indexing import Indexable
from tfft.models.tasks import Task
from tfft.store import Rows
from tfft.training.mixing import mixing
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView

VAL = SplitView("val")

ByView = Mapping[SplitView, Indexable]


def training_feed(plan: Plan, planned: PlannedPhase, rows: ByView, targets: ByView) -> Feed:
    """The sources of the training batches of a phase."""
    train, group = plan.splits.train, fetched_together(plan.batch_size)
    return Feed(
        rows_of=lambda epoch: rows[planned.shown(epoch)],
        targets_of=lambda epoch: targets[planned.shown(epoch)],
        order_of=lambda epoch: train.epoch_order(plan.seed, epoch, group=group, sampling=plan.splits.sampling),
        layout=plan.layout(planned.depth),
        batch_size=plan.batch_size,
        prepare=partial(prepared, plan.task),
        mix=mixing(planned.phase, plan.task, plan.layout(planned.depth), plan.seed),
    )


def batch_names(plan: Plan, order_of: Callable[[int], np.ndarray], epochs: range, epoch: int, step: int) -> list[str]:
    """Where the examples of a batch are from, by the epoch and the step in its phase."""
    start = step * plan.batch_size
    return [plan.splits.train.where[p] for p in order_of(epochs[epoch])[start : start + plan.batch_size]]


def rows_and_targets(plan: Plan, planned: PlannedPhase) -> tuple[ByView, ByView]:
    """What a phase is trained and validated on."""
    views = [VAL, *dict.fromkeys(map(planned.shown, planned.epoch_numbers))]
    rows = {view: plan.activations.rows(planned.depth, view) for view in views}
    return _in_memory(rows, plan.activations.store.memory), {view: plan.activations.targets(view) for view in views}


def prepared(task: Task, targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The targets of a batch as the model takes them (a decoder, as its input) and as the loss takes them."""
    given = () if task.given is None else (task.given(targets),)
    return given, targets if task.encode is None else task.encode(targets)


def _in_memory(rows: dict[SplitView, Indexable], budget: int) -> dict[SplitView, Indexable]:
    """Loads stored rows into memory, as many as fit a budget in bytes; the others are read from the disk."""
    loaded = {}
    for view, stored in rows.items():
        parts = stored.parts if isinstance(stored, ByWidth) else {None: stored}
        size = sum(part.nbytes if isinstance(part, Rows) else math.inf for part in parts.values())
        if size <= budget:
            budget -= size
            parts = {width: part[:] for width, part in parts.items()}
            stored = replace(stored, parts=parts) if isinstance(stored, ByWidth) else parts[None]
        loaded[view] = stored
    return loaded
