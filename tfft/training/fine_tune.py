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

from tfft.data.batching.batches import evaluation_batches, training_batches
from tfft.data.batching.order import evaluation_order
from tfft.data.batching.widths import ByWidth
from tfft.data.indexing import Indexable
from tfft.models.freezing import unfrozen
from tfft.models.tasks import Task
from tfft.store import Rows
from tfft.training.plan import Plan, PlannedPhase
from tfft.training.predict import answers_to_rows, gathered
from tfft.training.recording import History, Recorder
from tfft.training.schedules import build_optimizer
from tfft.training.storing import store_activations

logger = logging.getLogger(__name__)


def fine_tune(model: keras.Model, task: Task, plan: Plan, *, log: Path | None = None) -> History:
    """Trains a model in the phases of a plan and leaves the best weights of all phases in it.

    What is frozen runs in inference mode, once for each example and view where it is stored. Each phase starts
    from the best weights so far, with a new optimizer. The backbone is frozen again at the end.

    Args:
        model: The model of the plan: its backbone frozen, with the head of `task`.
        task: Loss, metrics and monitor.
        plan: From `plan_phases`; trains on `train`, chooses on `val`.
        log: Where to write the history as CSV after each epoch, or None.

    Raises:
        ConfigError: If the plan is of another model, or the frozen weights have changed since it was made.
        DivergedError: If the loss becomes NaN or infinite. Then, as after Ctrl-C, the model has the best
            weights so far.
    """
    plan.check_model(model)
    store_activations(plan)
    recorder = Recorder(plan.lowest.top, task, log)
    try:
        for planned in plan.phases:
            recorder.restore_best()  # a phase goes on from the best of those before, not from their last
            _run_phase(model, task, plan, planned, recorder)
    finally:
        recorder.restore_best()
    return recorder.history


def _run_phase(model: keras.Model, task: Task, plan: Plan, planned: PlannedPhase, recorder: Recorder) -> None:
    phase, activations = planned.phase, plan.activations
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
    views = dict.fromkeys(("train", planned.view_of(epoch)) for epoch in planned.epoch_numbers)
    rows = {pair: activations.rows(planned.depth, *pair) for pair in [("val", 0), *views]}
    rows = _in_memory(rows, activations.store.memory)
    layout = plan.layout(planned.depth)
    targets = {pair: activations.targets(*pair) for pair in rows}
    prepare = partial(prepared, task)
    recorder.begin(
        planned.name,
        frozen_backbone=phase.unfreeze == 0,
        scored=_scoring(model, task, plan, planned, rows["val", 0]),
    )
    training = training_batches(
        lambda epoch: rows["train", planned.view_of(epoch)],
        lambda epoch: targets["train", planned.view_of(epoch)],
        layout,
        count=len(activations.splits.train),
        batch_size=plan.batch_size,
        seed=plan.seed,
        epochs=planned.epoch_numbers,
        chances=activations.splits.train.rarity if plan.balanced else None,
        widths=activations.splits.train.widths,
        prepare=prepare,
    )
    order = evaluation_order(activations.splits.val)
    validation = evaluation_batches(
        rows["val", 0], targets["val", 0], layout, order=order, batch_size=plan.batch_size, prepare=prepare
    )
    with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank):
        # compiled after the flags are set: Keras trains what was trainable when it compiled
        planned.top.compile(
            optimizer=build_optimizer(phase, plan.steps_per_epoch),
            loss=task.loss,
            metrics=list(task.metrics),
            # where Keras would use XLA (not on CPUs) it compiles for every shape anew, and batches of texts have many
            jit_compile="auto" if activations.splits.train.widths is None else False,
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


def _scoring(
    model: keras.Model, task: Task, plan: Plan, planned: PlannedPhase, rows: Indexable
) -> Callable[[], dict[str, float]] | None:
    """What scores the answers to the validation split whenever it is called; None if the task has no such numbers."""
    if task.score is None:
        return None
    val, layout = plan.splits.val, plan.layout(planned.depth)
    answer = answers_to_rows(task.answering(model), model, planned)
    order = evaluation_order(val)
    batches = evaluation_batches(rows, val.targets, layout, order=order, batch_size=plan.batch_size)

    def scored() -> dict[str, float]:
        answers = gathered(answer(tensors) for tensors, _ in batches)
        return task.score(val.targets[order], answers)

    return scored


def prepared(task: Task, targets: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """What the model of a task is given of the targets of a batch, and what the loss takes of them."""
    given = () if task.given is None else (task.given(targets),)
    return given, targets if task.encode is None else task.encode(targets)


def _in_memory(rows: dict[tuple[str, int], Indexable], budget: int) -> dict[tuple[str, int], Indexable]:
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
