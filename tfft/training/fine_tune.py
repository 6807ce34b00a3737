"""Fine-tuning: the phases of a plan, one after the other, the best weights of all at the end."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tfft.data.batching.batches import Feed, evaluation_batches, training_batches
from tfft.data.batching.order import fetched_together
from tfft.data.batching.widths import ByWidth
from tfft.data.indexing import Indexable
from tfft.models.freezing import unfrozen
from tfft.models.tasks import Task
from tfft.store import Rows
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase, SplitView
from tfft.training.predict import answers_to_rows, gathered
from tfft.training.recording import History, Recorder
from tfft.training.schedules import build_optimizer
from tfft.training.storing import missing_bytes

logger = logging.getLogger(__name__)

VAL = SplitView("val")


def store_activations(plan: Plan) -> None:
    """Computes what a plan stores and the store does not have yet, the lowest trunk first.

    What does not fit any more, since another run has filled the store, is streamed later, with a warning.

    Raises:
        ConfigError: If frozen weights have changed since the plan was made.
    """
    if missing := missing_bytes(plan.activations, plan.activations.stored):
        logger.info("Storing %.1f MB", missing / 1e6)
    plan.activations.fill()


def fine_tune(plan: Plan, *, log: Path | None = None) -> History:
    """Trains the model of a plan in its phases and leaves the best weights of all phases in it.

    What is frozen runs in inference mode, once for each example and view where it is stored. Each phase starts
    from the best weights so far, with a new optimizer. The backbone is frozen again at the end.

    Args:
        plan: From `plan_phases`; trains on `train`, chooses on `val`.
        log: Where to write the history as CSV after each epoch, or None.

    Raises:
        ConfigError: If the frozen weights have changed since the plan was made.
        DivergedError: If the loss becomes NaN or infinite. Then, as after Ctrl-C, the model has the best
            weights so far.
    """
    store_activations(plan)
    recorder = Recorder(plan.lowest.top, plan.task, log)
    try:
        for planned in plan.phases:
            recorder.restore_best()  # a phase goes on from the best of those before, not from their last
            _run_phase(plan, planned, recorder)
    finally:
        recorder.restore_best()
    return recorder.history


def _run_phase(plan: Plan, planned: PlannedPhase, recorder: Recorder) -> None:
    phase, task, model, train = planned.phase, plan.task, plan.model, plan.splits.train
    logger.info(
        "Phase %s: %d epochs of %d steps, %s parameters trained",
        planned.name,
        phase.epochs,
        plan.steps_per_epoch,
        f"{planned.trained:,}",
    )
    callbacks: list[keras.callbacks.Callback] = [recorder]
    if phase.patience:
        callbacks.append(
            keras.callbacks.EarlyStopping(monitor=task.monitor, mode=task.mode, patience=phase.patience, verbose=1)
        )
    rows, targets = _rows_and_targets(plan, planned)
    prepare = partial(prepared, task)
    recorder.begin(planned.name, frozen_backbone=phase.unfreeze == 0, scored=_scoring(plan, planned, rows[VAL]))
    feed = Feed(
        rows_of=lambda epoch: rows[planned.shown(epoch)],
        targets_of=lambda epoch: targets[planned.shown(epoch)],
        order_of=lambda epoch: train.epoch_order(
            plan.seed, epoch, group=fetched_together(plan.batch_size), balanced=plan.splits.balanced
        ),
        layout=plan.layout(planned.depth),
        batch_size=plan.batch_size,
        prepare=prepare,
    )
    training = training_batches(feed, count=len(train), epochs=planned.epoch_numbers)
    validation = evaluation_batches(
        rows[VAL],
        targets[VAL],
        feed.layout,
        order=plan.splits.val.order,
        batch_size=plan.batch_size,
        prepare=prepare,
    )
    with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank):
        # compiled after the flags are set: Keras trains what was trainable when it compiled
        planned.top.compile(
            optimizer=build_optimizer(phase, plan.steps_per_epoch),
            loss=task.loss,
            metrics=list(task.metrics),
            # where Keras would use XLA (not on CPUs) it compiles for every shape anew, and batches of texts have many
            jit_compile="auto" if train.one_shape else False,
        )
        # Keras would make its variables in the first step, which TensorFlow then traces once more
        planned.top.optimizer.build(planned.top.trainable_variables)
        for metric in task.metrics:  # Keras resets those alone that it has used since it compiled
            metric.reset_state()
        planned.top.fit(
            training,
            epochs=phase.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            validation_data=validation,
            callbacks=callbacks,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,  # one line an epoch where no bar can move
        )


def _rows_and_targets(
    plan: Plan, planned: PlannedPhase
) -> tuple[dict[SplitView, Indexable], dict[SplitView, Indexable]]:
    """What a phase trains on and is validated on."""
    shown = [VAL, *dict.fromkeys(map(planned.shown, planned.epoch_numbers))]
    rows = {one: plan.activations.rows(planned.depth, one) for one in shown}
    return _in_memory(rows, plan.activations.store.memory), {one: plan.activations.targets(one) for one in shown}


def _scoring(plan: Plan, planned: PlannedPhase, rows: Indexable) -> Callable[[], dict[str, float]] | None:
    """What scores the answers to the validation split whenever it is called; None if the task has no such numbers."""
    task, val = plan.task, plan.splits.val
    if task.score is None:
        return None
    answer = answers_to_rows(task.answering(plan.model), plan.model, planned)
    batches = evaluation_batches(
        rows, val.targets, plan.layout(planned.depth), order=val.order, batch_size=plan.batch_size
    )

    def scored() -> dict[str, float]:
        answers = gathered(answer(tensors) for tensors, _ in batches)
        return task.score(val.targets[val.order], answers)

    return scored


def prepared(task: Task, targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """What the model of a task is given of the targets of a batch, and what the loss takes of them."""
    given = () if task.given is None else (task.given(targets),)
    return given, targets if task.encode is None else task.encode(targets)


def _in_memory(rows: dict[SplitView, Indexable], budget: int) -> dict[SplitView, Indexable]:
    """Stored rows as arrays, as many as fit the budget in bytes; the others stay on the disk."""
    loaded = {}
    for name, some in rows.items():
        parts = some.parts if isinstance(some, ByWidth) else {None: some}
        size = sum(part.nbytes if isinstance(part, Rows) else math.inf for part in parts.values())
        if size <= budget:
            budget -= size
            parts = {width: part[:] for width, part in parts.items()}
            some = replace(some, parts=parts) if isinstance(some, ByWidth) else parts[None]
        loaded[name] = some
    return loaded
