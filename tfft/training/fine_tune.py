"""Fine-tuning: the phases of a plan, one after the other, the best weights of all at the end."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import keras

from tfft.data.augment import Augmentation
from tfft.data.examples import Splits
from tfft.data.pipeline import evaluation_batches, training_batches
from tfft.models.freezing import unfrozen
from tfft.models.tasks import Task
from tfft.models.trunk import training_model
from tfft.training.plan import Plan, PlannedPhase
from tfft.training.recording import History, Recorder
from tfft.training.schedules import build_optimizer

logger = logging.getLogger(__name__)


def fine_tune(
    model: keras.Model,
    task: Task,
    splits: Splits,
    plan: Plan,
    *,
    seed: int = 0,
    augment: Augmentation = "none",
    log: Path | None = None,
) -> History:
    """Trains a model in the phases of a plan and leaves the best weights of all phases in it.

    What is frozen runs in inference mode. Each phase starts from the best weights so far, with a new optimizer.
    The backbone is frozen again at the end.

    Args:
        model: A functional model with its backbone frozen and the head of `task`.
        task: Loss, metrics and monitor.
        splits: Trains on `train`; chooses on `val`.
        plan: From `plan_phases`.
        seed: With the epoch and the example, decides order and augmentation.
        augment: How training pictures are changed; validation pictures never are.
        log: Where to write the history as CSV after each epoch, or None.

    Raises:
        DivergedError: If the loss becomes NaN or infinite. Then, as after Ctrl-C, the model has the best
            weights so far.
    """
    recorder = Recorder(model, task, log)
    try:
        for planned in plan.phases:
            recorder.restore_best()  # a phase goes on from the best of those before, not from their last
            _run_phase(model, task, splits, plan, planned, recorder, seed, augment)
    finally:
        recorder.restore_best()
    return recorder.history


def _run_phase(
    model: keras.Model,
    task: Task,
    splits: Splits,
    plan: Plan,
    planned: PlannedPhase,
    recorder: Recorder,
    seed: int,
    augment: Augmentation,
) -> None:
    phase = planned.phase
    logger.info(
        "Phase %s: %d epochs of %d steps, %s parameters trained",
        planned.name,
        phase.epochs,
        plan.steps_per_epoch,
        f"{planned.trained:,}",
    )
    recorder.begin(planned.name, frozen_backbone=phase.unfreeze == 0)
    callbacks: list[keras.callbacks.Callback] = [recorder]
    if phase.patience:
        callbacks.append(
            keras.callbacks.EarlyStopping(monitor=task.monitor, mode=task.mode, patience=phase.patience, verbose=1)
        )
    batches = training_batches(
        splits.train, batch_size=plan.batch_size, seed=seed, epochs=planned.epoch_numbers, augment=augment
    )
    with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm):
        trained = training_model(model)
        # compiled after the flags are set: Keras trains what was trainable when it compiled
        trained.compile(
            optimizer=build_optimizer(phase, plan.steps_per_epoch), loss=task.loss, metrics=list(task.metrics)
        )
        trained.fit(
            batches,
            epochs=phase.epochs,
            steps_per_epoch=plan.steps_per_epoch,
            validation_data=evaluation_batches(splits.val, batch_size=plan.batch_size),
            callbacks=callbacks,
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,  # one line an epoch where no bar can move
        )
