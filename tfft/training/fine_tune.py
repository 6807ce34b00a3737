"""Fine-tuning: the phases of a plan, one after another, with the best weights of all phases at the end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from tfft.data.batching.batches import training_batches
from tfft.errors import DivergedError, counted, megabytes
from tfft.models.freezing import unfrozen
from tfft.stopping import postponed
from tfft.training.averaging import Averaged, Restored
from tfft.training.feeding import VAL, batch_names, rows_and_targets, training_feed
from tfft.training.kept import keep_weights
from tfft.training.origin import Origin, check_shapes
from tfft.training.parts import compile_top, run_in_parts_that_fit
from tfft.training.phases import Phase
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.recording import History, Recorder
from tfft.training.resuming import Keeper
from tfft.training.rising import range_test
from tfft.training.schedules import build_optimizer
from tfft.training.solving import solve_head
from tfft.training.state import State, read_state
from tfft.training.storing import missing_bytes
from tfft.training.validating import validating

logger = logging.getLogger(__name__)

RUINED = 1.2
"""Factor by which a phase may raise the validation loss before it is warned of."""


def store_activations(plan: Plan, planned: PlannedPhase | None = None) -> None:
    """Computes the activations of a plan that the store does not have yet, the lowest trunk first.

    What no longer fits, because another run has filled the store, is streamed later, with a warning.

    Args:
        plan: The plan.
        planned: A phase, to compute only what it is trained and validated on; with the last one, what is scored, too.
            None for everything.

    Raises:
        ConfigError: If frozen weights have changed since the plan was made.
    """
    wanted = plan.activations.stored
    if planned is not None:
        # not the levels above: an earlier phase may have trained their weights
        wanted = wanted[: 0 if planned.depth is None else planned.depth + 1]
        if planned is not plan.lowest:
            views = {*map(planned.shown, planned.epoch_numbers), VAL}
            wanted = tuple(stored & views for stored in wanted)
    if missing := missing_bytes(plan.activations, wanted):
        logger.info("Storing %s", megabytes(missing))
    plan.activations.fill(wanted)


def fine_tune(
    plan: Plan,
    *,
    folder: Path | None = None,
    changed_data: Literal["stop", "accept"] = "stop",
    watch: Callable[[History], None] | None = None,
    quietly: bool = False,
    solved: Callable[[], object] | None = None,
) -> History:
    """Trains the model of a plan, phase by phase, and sets it to the best weights of all epochs.

    Frozen layers run in inference mode, once for each example and view if their outputs are stored. Each phase starts
    from the best weights so far, with a new optimizer. The backbone is frozen again at the end.

    Args:
        plan: From `plan_phases`. Trains on `train` and chooses the best epoch on `val`.
        folder: Where `history.csv` is written after each epoch, and `state.npz` at most every 30 seconds between
            epochs and every 3 minutes within one, at the end, and on Ctrl-C and SIGTERM. A state in the folder is
            resumed, with the same bits. None writes nothing.
        changed_data: Whether to stop if the data have changed since the run in the folder began, or to continue, see
            `Origin.continued`.
        watch: Called with the history after each epoch; it may raise to end the training.
        quietly: Whether to leave out Keras's progress bars.
        solved: Called once a head is solved and more phases follow, to save a model that can be used meanwhile.

    Raises:
        ConfigError: If the frozen weights have changed since the plan was made, or the state belongs to another model.
        DataError: If the state belongs to other data.
        DivergedError: If the loss becomes NaN or infinite. The model then has the best weights so far, as after Ctrl-C;
            once an epoch has ended, they are also in `model.weights.h5` in the folder.
        Interrupted: On Ctrl-C and SIGTERM.

    Returns:
        The numbers of each epoch, and which epoch was the best.
    """
    origin = None if folder is None else Origin.of(plan)
    state = None if folder is None else read_state(folder)
    if state is not None:
        state = origin.continued(state, folder, accept_changed_data=changed_data == "accept")
    log = None if folder is None else folder / "history.csv"
    recorder = Recorder(plan.lowest.top, plan.task, log, watch, quietly=quietly)
    if state is None and plan.by_loss:
        recorder.choose_by_loss(len(plan.splits.val))
    if state is not None:
        check_shapes("best weights", state.arrays["best"], plan.lowest.top.weights)
        recorder.resume(state.history, state.best_score, state.arrays["best"])
        logger.info("Resuming after %s", counted(len(state.history.rows), "epoch"))
    with nullcontext() if folder is None else postponed() as stop:
        seen = () if state is None else state.arrays.get("seen", ())
        keeper = None if folder is None else Keeper(plan, origin, recorder, folder, stop, seen)
        try:
            _train(plan, recorder, keeper, state, solved)
        except DivergedError:
            recorder.restore_best()  # before they are written
            if folder is not None and recorder.history.rows:
                keep_weights(plan.model, folder)
            raise
        finally:
            recorder.restore_best()
        if keeper is not None:
            keeper.finish()
            stop.obey()
    logger.info(_best_epoch(recorder.history, plan.task.monitor))
    return recorder.history


def _train(
    plan: Plan, recorder: Recorder, keeper: Keeper | None, state: State | None, solved: Callable[[], object] | None
) -> None:
    """Trains the phases, or the rest of them from a state on."""
    for number, planned in enumerate(plan.phases):
        if state is not None and number < state.phase:
            continue
        # what the next phase needs alone: if a head is solved, a first model is there sooner
        store_activations(plan, planned)
        recorder.restore_best()  # a phase goes on from the best weights so far, not from the last
        if planned.phase.optimizer == "lbfgs":
            solve_head(plan, planned, recorder, lambda: None if keeper is None else keeper.stop.obey())
            if solved is not None and planned is not plan.lowest:
                solved()
            continue
        begun = state if state is not None and number == state.phase else None
        run_in_parts_that_fit(plan, planned, recorder, partial(_run_phase, plan, planned, recorder, keeper, begun))
        _warn_of_ruin(recorder.history, planned.name, recorder.settings.learning_rate)


def _best_epoch(history: History, monitor: str) -> str:
    """The epoch that the weights come from: `"Best epoch: 7 of 20 (phase tune), val_accuracy 0.9926"`."""
    best = history.best_row
    return f"Best epoch: {best['epoch']} of {len(history.rows)} (phase {best['phase']}), {monitor} {best[monitor]:.4f}"


def _warn_of_ruin(history: History, name: str, rate: float) -> None:
    """Warns if a phase has never come near the validation loss that the phases before it had reached."""
    rows = history.rows[history.since :]
    before = [row["val_loss"] for row in rows if row["phase"] != name]
    losses = [row["val_loss"] for row in rows if row["phase"] == name]
    if before and losses and min(losses) > RUINED * min(before):
        logger.warning(
            "Phase %s made the model worse: its lowest validation loss is %.3f, before it was %.3f. The weights of "
            "epoch %d are kept. Try `--%s.learning-rate %g`.",
            name,
            min(losses),
            min(before),
            history.best_row["epoch"],
            name,
            rate / 10,
        )


def _run_phase(
    plan: Plan, planned: PlannedPhase, recorder: Recorder, keeper: Keeper | None, state: State | None
) -> None:
    """Trains one phase, or the rest of it from a state on."""
    model, parts = plan.model, recorder.history.parts.get(planned.name, 1)
    phase = _with_rate(plan, planned, recorder, keeper)
    logger.info(
        "Phase %s: %s of %s, %s trained",
        planned.name,
        counted(phase.epochs, "epoch"),
        counted(plan.steps_per_epoch, "step"),
        counted(planned.trained, "parameter"),
    )
    rows, targets = rows_and_targets(plan, planned)
    feed = training_feed(plan, planned, rows, targets)
    recorder.begin(
        planned.name,
        phase,
        validated=validating(plan, planned, rows[VAL], targets[VAL]),
        names_of=partial(batch_names, plan, feed.order_of, planned.epoch_numbers),
    )
    with unfrozen(model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank) as stages:
        optimizer = build_optimizer(phase, plan.steps_per_epoch, planned.top.trainable_weights, stages)
        compile_top(plan, planned, optimizer, parts)
        epoch, step = (0, 0) if keeper is None else keeper.begin(planned, state)
        averaged = Averaged()
        recording = [averaged, recorder, Restored(averaged)] if phase.average else [recorder]
        callbacks = [*recording, *([] if keeper is None else [keeper])]
        while epoch < phase.epochs and not recorder.patience_ended:
            # `fit` cannot begin within an epoch: the rest of one is an epoch of its own
            last = epoch + 1 if step else phase.epochs
            recorder.first_step = step
            planned.top.fit(
                training_batches(
                    feed, count=plan.splits.per_epoch, epochs=planned.epoch_numbers[epoch:last], start=step
                ),
                initial_epoch=epoch,
                epochs=last,
                steps_per_epoch=plan.steps_per_epoch - step,
                callbacks=callbacks,
                shuffle=False,
                # one line per epoch where a progress bar cannot be drawn
                verbose=0 if recorder.quietly else 1 if sys.stdout.isatty() else 2,
            )
            epoch, step = last, 0
    if recorder.patience_ended:
        logger.info("Phase %s stops early: it no longer improves %s", planned.name, plan.task.monitor)


def _with_rate(plan: Plan, planned: PlannedPhase, recorder: Recorder, keeper: Keeper | None) -> Phase:
    """The phase with the learning rate that a range test finds, if it asks for one; a resumed run keeps that rate."""
    phase, history = planned.phase, recorder.history
    if phase.learning_rate != "find":
        return phase
    if planned.name not in history.rates:
        parts = history.parts.get(planned.name, 1)
        test = range_test(plan, planned, parts=parts, interrupt=lambda: None if keeper is None else keeper.stop.obey())
        history.rates[planned.name] = test.suggestion
        history.notes.append(f"Phase {planned.name}: {test}")
        logger.info(history.notes[-1])
        if keeper is not None:
            keeper.hurry()
    return replace(phase, learning_rate=history.rates[planned.name])
