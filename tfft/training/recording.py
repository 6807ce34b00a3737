"""The numbers of each epoch, and the best weights of all epochs."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfft.errors import DivergedError, counted, listed
from tfft.files import write_csv
from tfft.models.tasks import Task
from tfft.training.phases import Phase
from tfft.training.schedules import current_rate

logger = logging.getLogger(__name__)


LEAST_PATIENCE = 2
"""Fewest epochs that `--tune.patience auto` waits for an improvement."""
CHANCE_MARGIN = 1.05
"""How far above the loss of guessing a loss is suspicious, as a factor."""


@dataclass
class History:
    """The epochs of all phases, and which one the returned weights come from."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """One for each epoch: phase, epoch (from 1, over all phases), learning_rate (at its end), seconds, then losses
    and metrics. Training metrics are means over the steps, with dropout, augmentation and mixup."""
    best: int | None = None
    """Index of the best epoch in `rows`; None before the first epoch has ended."""
    parts: dict[str, int] = field(default_factory=dict)
    """By phase, the parts in which each batch was computed, where it did not fit into the memory."""
    by_loss: bool = False
    """Whether the lowest `val_loss` makes an epoch the best, and of equal ones the monitored score."""
    since: int = 0
    """Index of the first row whose validation scores are of the present data."""
    rates: dict[str, float] = field(default_factory=dict)
    """By phase, the learning rate that a range test found."""
    notes: list[str] = field(default_factory=list)
    """What else the report must say: for instance that the data changed on the way."""
    probe: dict[str, Any] | None = None
    """The fields of `Probe`, if the head was solved."""

    @property
    def best_row(self) -> dict[str, Any]:
        """The row of the best epoch."""
        return self.rows[self.best]

    def patience_ended(self, name: str, phase: Phase, task: Task) -> bool:
        """Whether a phase has gone on for too long without an improvement, see `Phase.patience`."""
        rows = [row for row in self.rows[self.since :] if row["phase"] == name]
        sign = 1 if task.mode == "max" else -1
        watched = [[sign * row[task.monitor] for row in rows]]
        patience = phase.patience
        if patience == "auto":
            patience = max(LEAST_PATIENCE, math.ceil(phase.epochs / 3))
            # a detector's score falls at first, but its loss does not
            watched.append([-row["val_loss"] for row in rows])
        return 0 < patience < len(rows) and all(max(s[:-patience]) >= max(s[-patience:]) for s in watched)

    @property
    def metrics(self) -> list[str]:
        """Names of the loss and the metrics, without `val_`."""
        return [name.removeprefix("val_") for name in self.rows[0] if name.startswith("val_")]


class Recorder(keras.callbacks.Callback):
    """Records the history and the best weights over several calls of `fit`; Keras's callbacks start anew in each.

    Args:
        kept: The model whose best weights are kept; it shares its layers with the models that `fit` trains.
        task: Decides which number is monitored and whether higher is better. Of equal epochs the one with the lower
            `val_loss` wins.
        log: Where to write the history as CSV after each epoch, or None.
        watch: Called with the history after each epoch, or None; it may raise to end the training.
        quietly: Whether the training shows no progress bar.
    """

    def __init__(
        self,
        kept: keras.Model,
        task: Task,
        log: Path | None,
        watch: Callable[[History], None] | None = None,
        *,
        quietly: bool = False,
    ):
        super().__init__()
        self.kept, self.task, self.log, self.watch, self.quietly = kept, task, log, watch, quietly
        self.history = History()
        self.best_score = (-math.inf, -math.inf)
        """Of the best epoch, see `score`."""
        self.best_weights: list[np.ndarray] = kept.get_weights()  # the initial ones, until an epoch has ended
        self.phase = ""
        self.settings = Phase()
        self.validated: Callable[[], dict[str, float]] = dict
        self.names_of: Callable[[int, int], list[str]] | None = None
        self.first_step = 0
        """Steps of the first epoch of `fit` that an earlier run has done."""
        self.validating = False
        self._epoch, self._started = 0, 0.0

    def resume(self, history: History, best_score: tuple[float, float], best_weights: list[np.ndarray]) -> None:
        """Takes over what an interrupted run has recorded."""
        self.history, self.best_score, self.best_weights = history, best_score, best_weights
        self._write()

    def choose_by_loss(self, examples: int) -> None:
        """Lets the validation loss choose the best epoch, and says that the examples are too few for the accuracy."""
        self.history.by_loss = True
        note = f"Validation has only {counted(examples, 'example')}: their loss, not the accuracy, chooses the epoch"
        self.history.notes.append(note)
        logger.info(note)

    def begin(
        self,
        phase: str,
        settings: Phase,
        *,
        validated: Callable[[], dict[str, float]] = dict,
        names_of: Callable[[int, int], list[str]] | None = None,
    ) -> None:
        """Starts a phase.

        Args:
            phase: Its name.
            settings: The phase.
            validated: Called at the end of each epoch; returns the validation loss and scores.
            names_of: From an epoch and a step of the phase to the names of the examples in that batch.
        """
        self.phase, self.settings = phase, settings
        self.validated, self.names_of = validated, names_of

    @property
    def patience_ended(self) -> bool:
        """Whether the phase has gone on for too long without an improvement."""
        return self.history.patience_ended(self.phase, self.settings, self.task)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch, self._started = epoch, time.monotonic()
        self.validating = False

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if not math.isfinite(logs["loss"]):
            step = self.first_step + batch
            names = listed(self.names_of(self._epoch, step), most=4) if self.names_of else ""
            self._check_finite(logs, f"batch {step + 1}{f' ({names})' if names else ''}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.validating = True
        logs.update(self.validated())
        self._check_finite(logs, "validation")
        self.first_step = 0
        self.add(logs, rate=current_rate(self.model.optimizer), seconds=time.monotonic() - self._started)
        # from the history, so that an interrupted run stops where it would have stopped
        self.model.stop_training = self.patience_ended

    def add(self, logs: dict[str, float], *, rate: float, seconds: float) -> None:
        """Adds an epoch to the history, and keeps the weights if it is the best so far."""
        self.history.rows.append(
            {
                "phase": self.phase,
                "epoch": len(self.history.rows) + 1,
                "learning_rate": rate,
                "seconds": round(seconds, 3),
                **{name: float(value) for name, value in logs.items() if name != "learning_rate"},
            }
        )
        self._keep_best(logs)
        self._warn_of_chance(logs["val_loss"])
        self._write()
        if self.watch is not None:
            self.watch(self.history)

    def score(self, logs: dict[str, float]) -> tuple[float, float]:
        """The monitored score and the validation loss, what decides first, both so that higher is better."""
        sign = 1 if self.task.mode == "max" else -1
        score, loss = sign * logs[self.task.monitor], -logs["val_loss"]
        return (loss, score) if self.history.by_loss else (score, loss)

    def restore_best(self) -> None:
        """Sets the model to the best weights of all epochs so far."""
        self.kept.set_weights(self.best_weights)

    def _write(self) -> None:
        if self.log is not None:
            write_csv(self.log, self.history.rows)

    def _keep_best(self, logs: dict[str, float]) -> None:
        if (score := self.score(logs)) > self.best_score:
            self.best_score, self.history.best = score, len(self.history.rows) - 1
            self.best_weights = self.kept.get_weights()

    def _check_finite(self, logs: dict[str, float], where: str) -> None:
        for name in ("loss", "val_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                raise DivergedError(
                    f"The loss is not finite: {name}={logs[name]} in {where} of epoch {len(self.history.rows) + 1}",
                    fix=f"Use a tenth of the learning rate in phase {self.phase}: `--{self.phase}.learning-rate`",
                )

    def _warn_of_chance(self, loss: float) -> None:
        limit = CHANCE_MARGIN * self.task.chance_loss
        if self.settings.unfreeze == 0 and len(self.history.rows) == 1 and loss > limit:
            logger.warning(
                "After the first epoch the validation loss is %.3f, but guessing gives %.3f. Check the labels, the "
                "preprocessing and the learning rate.",
                loss,
                self.task.chance_loss,
            )
