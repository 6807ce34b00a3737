"""Exact resume: when the state of a training run is written, and whether a run may go on from it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfft.data.indexing import Indexable
from tfft.errors import ConfigError, DataError, counted, listed
from tfft.stopping import Stop
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.recording import Recorder
from tfft.training.state import State, write_state

BETWEEN_EPOCHS, WITHIN_EPOCHS = 30.0, 180.0
"""Fewest seconds from one state to the next, at the end of an epoch and within one."""
NO_EXAMPLES = np.empty(0, "S1")
SHARE = 0.02
"""Share of the time that may be spent on writing states; where they are large, they are written less often."""


@dataclass(frozen=True, eq=False)
class Origin:
    """What may not change until a run goes on."""

    examples: Mapping[str, np.ndarray]
    """By split, the key of each example, (examples,), bytes."""
    targets: Mapping[str, str]
    """By split, a digest of the targets."""
    labels: list[str]
    frozen: list[str]
    """Fingerprints of the trunks."""

    @classmethod
    def of(cls, plan: Plan) -> Origin:
        """What a plan is made of."""
        return cls(
            {name: np.array(plan.activations.keys[name], "S") for name, _ in plan.splits.items()},
            {name: _digest(examples.targets, len(examples)) for name, examples in plan.splits.items()},
            plan.splits.labels,
            [level.fingerprint for level in plan.activations.levels],
        )

    @property
    def described(self) -> dict[str, Any]:
        """All but the examples, as JSON values."""
        return {"splits": list(self.examples), "targets": self.targets, "labels": self.labels, "frozen": self.frozen}

    def check(self, state: State) -> None:
        """Checks that a state was written by a run of the same origin.

        Raises:
            DataError: If examples or labels have changed, with the counts of each split.
            ConfigError: If the frozen weights have changed.
        """
        anew = "Undo that, or start anew with another `--out`"
        earlier = state.made_with
        examples = dict(zip(earlier["splits"], state.arrays["examples"], strict=True))
        changes = []
        for name in dict.fromkeys([*self.examples, *examples]):
            now, before = self.examples.get(name, NO_EXAMPLES), examples.get(name, NO_EXAMPLES)
            added, removed = len(np.setdiff1d(now, before)), len(np.setdiff1d(before, now))
            if added or removed:
                changes.append(f"{name} has {counted(added, 'new example')} and lacks {removed:,}")
            elif not np.array_equal(now, before):
                changes.append(f"the examples of {name} have another order or number")
        if changes:
            raise DataError(f"The data have changed since this run began: {'; '.join(changes)}", fix=anew)
        if self.labels != earlier["labels"] or self.targets != earlier["targets"]:
            others = [name for name, digest in self.targets.items() if earlier["targets"].get(name) != digest]
            where = f" in {listed(others)}" if others else ""
            raise DataError(f"The labels have changed since this run began{where}", fix=anew)
        if self.frozen != earlier["frozen"]:
            raise ConfigError("The weights of the backbone have changed since this run began", fix=anew)


class Keeper(keras.callbacks.Callback):
    """Writes the state at the end of an epoch or within a long one, and when the run is asked to stop.

    Args:
        plan: The plan.
        origin: What the plan is made of.
        recorder: Records the history and the best weights; it must be called before.
        folder: The run folder.
        stop: Whether the run has been asked to stop.
    """

    def __init__(self, plan: Plan, origin: Origin, recorder: Recorder, folder: Path, stop: Stop):
        super().__init__()
        self.plan, self.origin, self.recorder, self.folder, self.stop = plan, origin, recorder, folder, stop
        self._phase: PlannedPhase | None = None
        self._epoch, self._first_step = 0, 0
        self._metrics: list[np.ndarray] | None = None
        self._written, self._cost = time.monotonic(), 0.0

    def begin(self, planned: PlannedPhase, state: State | None) -> tuple[int, int]:
        """Starts a phase whose model is compiled, or goes on in it from a state: the epochs and further steps done.

        Raises:
            ConfigError: If the state belongs to another model.
        """
        self._phase, self._epoch, self._first_step, self._metrics = planned, 0, 0, None
        if state is not None:
            _assign(self._variables(planned.top), state.arrays, "variables", "optimizer")
            self._epoch, self._first_step = state.epoch, state.step
            self._metrics = state.arrays["metrics"] if state.step else None
        return self._epoch, self._first_step

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
        # after the last step comes validation, which only Keras can go on with
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
        progress = (phase, epoch, step, recorder.history, recorder.best_score)
        write_state(State(*progress, arrays=arrays, made_with=self.origin.described), self.folder)
        self._written = time.monotonic()
        self._cost = self._written - start


def _assign(variables: dict[str, list[keras.Variable]], arrays: Any, *kinds: str) -> None:
    for kind in kinds:
        given, wanted = arrays.get(kind, []), variables[kind]
        if [tuple(array.shape) for array in given] != [tuple(variable.shape) for variable in wanted]:
            raise ConfigError(
                f"The state belongs to another model: its {kind} have other shapes",
                fix="Undo what was changed in the model, or start anew with another `--out`",
            )
        for variable, array in zip(wanted, given, strict=True):
            variable.assign(array)


def _digest(targets: Indexable | np.ndarray, count: int, block: int = 256) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for start in range(0, count, block):
        digest.update(np.ascontiguousarray(targets[np.arange(start, min(start + block, count))]).tobytes())
    return digest.hexdigest()
