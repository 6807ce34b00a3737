"""Exact resume: when the state of a training run is written, and how training continues from it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfft.stopping import Stop
from tfft.training.origin import Origin, check_shapes
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.recording import Recorder
from tfft.training.state import State, write_state

BETWEEN_EPOCHS, WITHIN_EPOCHS = 30.0, 180.0
"""Fewest seconds from one state to the next, at the end of an epoch and within one."""
SHARE = 0.02
"""Share of the time that may be spent on writing states; where they are large, they are written less often."""


class Keeper(keras.callbacks.Callback):
    """Writes the state at the end of an epoch or within a long one, and when the run is asked to stop.

    Args:
        plan: The plan.
        origin: What the plan is made of.
        recorder: Records the history and the best weights; it must be called before.
        folder: The run folder.
        stop: Whether the run has been asked to stop.
        seen: Examples of earlier data of this run, see `Origin.continued`.
    """

    def __init__(
        self, plan: Plan, origin: Origin, recorder: Recorder, folder: Path, stop: Stop, seen: Sequence[np.ndarray] = ()
    ):
        super().__init__()
        self.plan, self.origin, self.recorder, self.folder, self.stop = plan, origin, recorder, folder, stop
        self.seen = list(seen)
        self._phase: PlannedPhase | None = None
        self._epoch, self._first_step = 0, 0
        self._metrics: list[np.ndarray] | None = None
        self._written, self._cost = time.monotonic(), 0.0

    def begin(self, planned: PlannedPhase, state: State | None) -> tuple[int, int]:
        """Starts or resumes a phase whose model is compiled; returns the epochs and further steps that are done.

        Raises:
            ConfigError: If the state belongs to another model.
        """
        self._phase, self._epoch, self._first_step, self._metrics = planned, 0, 0, None
        if state is not None:
            _assign(self._variables(planned.top), state.arrays, "variables", "optimizer")
            self._epoch, self._first_step = state.epoch, state.step
            self._metrics = state.arrays["metrics"] if state.step else None
        return self._epoch, self._first_step

    def hurry(self) -> None:
        """Writes the next state after the next step: what was just computed took long."""
        self._written = -math.inf

    def finish(self) -> None:
        """Writes the state after the last phase."""
        self._write(len(self.plan.phases), 0, 0, {})

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch
        if self._metrics is not None:  # Keras has just reset them
            _assign(self._variables(self.model), {"metrics": self._metrics}, "metrics")
            self._metrics = None

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        step = self._first_step + batch + 1
        # validation follows the last step, and only Keras can run it
        if step < self.plan.steps_per_epoch and (self.stop.signal is not None or self._due(WITHIN_EPOCHS)):
            self._write_within(self._epoch, step)
            self.stop.obey()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._first_step = 0
        if self.stop.signal is not None or self._due(BETWEEN_EPOCHS):
            self._write_within(epoch + 1, 0)
            self.stop.obey()

    def _due(self, least: float) -> bool:
        return time.monotonic() - self._written >= max(least, self._cost / SHARE)

    def _variables(self, top: keras.Model) -> dict[str, list[keras.Variable]]:
        # the first metric is Keras's mean of the loss
        metrics = [top.metrics[0], *self.plan.task.metrics]
        return {
            "variables": self.recorder.kept.variables,
            "optimizer": top.optimizer.variables,
            "metrics": [variable for metric in metrics for variable in metric.variables],
        }

    def _write_within(self, epoch: int, step: int) -> None:
        phase = self.plan.phases.index(self._phase)
        variables = self._variables(self._phase.top)
        self._write(phase, epoch, step, {kind: [v.numpy() for v in each] for kind, each in variables.items()})

    def _write(self, phase: int, epoch: int, step: int, arrays: dict[str, list[np.ndarray]]) -> None:
        start = time.monotonic()
        recorder = self.recorder
        arrays = {**arrays, "best": recorder.best_weights, "examples": list(self.origin.examples.values())}
        if self.seen:
            arrays["seen"] = self.seen
        progress = (phase, epoch, step, recorder.history, recorder.best_score)
        write_state(State(*progress, arrays=arrays, made_with=self.origin.described), self.folder)
        self._written = time.monotonic()
        self._cost = self._written - start


def _assign(variables: dict[str, list[keras.Variable]], arrays: Any, *kinds: str) -> None:
    for kind in kinds:
        given, wanted = arrays.get(kind, []), variables[kind]
        check_shapes(kind, given, wanted)
        for variable, array in zip(wanted, given, strict=True):
            variable.assign(array)
