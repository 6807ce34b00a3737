"""The trackers of a run: opened before anything is read, told of each epoch, and never the reason why a run fails."""

from __future__ import annotations

import csv
import importlib
import json
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfft import files
from tfft.errors import MachineError
from tfft.tracking.settings import trackers_of
from tfft.tracking.tracker import EVENTS, About, Outcome, Tracker

logger = logging.getLogger(__name__)

LOG = "tracking.json"
"""The file in a run folder with what each tracker calls the run, and what it has of it."""
TITLES = {"tensorboard": "TensorBoard", "mlflow": "MLflow", "wandb": "Weights & Biases"}
FIXES = {
    "tensorboard": "Check that the run folder can be written",
    "mlflow": "Check MLFLOW_TRACKING_URI and that its server runs, or leave out `--track mlflow`",
    "wandb": "Type `wandb login`, or set WANDB_MODE=offline, or leave out `--track wandb`",
}


@dataclass
class Logged:
    """What a tracker has of a run."""

    known_as: str | None = None
    epochs: int = 0
    finished: bool = False


@dataclass(eq=False)
class Tracking:
    """The trackers of a run; none by default."""

    folder: Path | None = None
    trackers: dict[str, Tracker] = field(default_factory=dict)
    logged: dict[str, Logged] = field(default_factory=dict)
    settled: bool = False
    """Whether the settings were logged, and so the run has begun."""
    _new: set[str] = field(default_factory=set)
    """Trackers that did not know the run before."""
    _resumed: bool = False

    def open(self, name: str, recipe: str) -> None:
        """Opens a tracker, unless it has the whole run already.

        Raises:
            MachineError: If that fails.
        """
        logged = self.logged.get(name)
        if logged is not None and name == EVENTS and not (self.folder / EVENTS).is_dir():
            logged = None  # somebody has deleted it
        if logged is not None and logged.finished:
            return
        module = importlib.import_module(f"tfft.tracking.{name}")
        try:
            with random_state_kept():
                tracker = module.open_tracker(About(self.folder, recipe, logged and logged.known_as))
        except Exception as error:  # whatever the package raises
            raise MachineError(f"{TITLES[name]} cannot be used: {_first_line(error)}", fix=FIXES[name]) from error
        self.trackers[name] = tracker
        if logged is None or tracker.known_as != logged.known_as:
            self.logged[name] = Logged(tracker.known_as)
            self._new.add(name)

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings of the run, by name; what is no number or text is logged as JSON."""
        self.settled = True
        plain = {
            name: value if value is None or isinstance(value, (str, int, float)) else json.dumps(value)
            for name, value in values.items()
        }
        self._tell(lambda name, tracker: tracker.settings(plain))

    def epochs(self, rows: Sequence[Mapping[str, Any]], *, since: int = 0) -> None:
        """Logs the rows of the history that a tracker does not have yet.

        Args:
            rows: Of all epochs so far.
            since: Number of rows when the data last changed: a resumed run has trained what came after these again.
        """
        if since and not self._resumed:
            for logged in self.logged.values():
                logged.epochs = min(logged.epochs, since)
        self._resumed = True

        def log(name: str, tracker: Tracker) -> None:
            for row in rows[self.logged[name].epochs :]:
                tracker.epoch(row)
                self.logged[name].epochs += 1

        self._tell(log)

    def finish(self) -> None:
        """Logs what is in the folder of a finished run, and ends it in each tracker."""
        if not self.trackers:
            return
        scores = _scores(files.read_json(self.folder / "report.json"))
        left_out = (LOG, EVENTS)
        contents = sorted(p for p in self.folder.iterdir() if p.name not in left_out and not p.name.startswith("."))
        self.epochs(_history(self.folder))

        def log(name: str, tracker: Tracker) -> None:
            tracker.results(scores, self.folder, contents)
            tracker.end("finished")
            self.logged[name].finished = True

        self._tell(log)
        for name, tracker in self.trackers.items():
            logger.info("%s: %s", TITLES[name], tracker.where)
        self.trackers.clear()

    def stop(self, outcome: Outcome) -> None:
        """Ends a run that failed or was stopped in each tracker, or removes it there if it had not begun."""
        for name, tracker in self.trackers.items():
            with suppress(Exception), random_state_kept():  # the error that stopped the run is what counts
                if name in self._new and not self.settled:
                    tracker.discard()
                else:
                    tracker.end(outcome)
        self.trackers.clear()

    def _tell(self, log: Callable[[str, Tracker], None]) -> None:
        """Tells every tracker; one that fails is told no more."""
        asked = list(self.trackers.items())
        for name, tracker in asked:
            try:
                with random_state_kept():
                    log(name, tracker)
            except Exception as error:  # whatever the package raises
                logger.warning(
                    "%s no longer logs this run: %s. The run itself goes on; to log what is missing, type its command "
                    "again in the end.",
                    TITLES[name],
                    _first_line(error),
                )
                del self.trackers[name]  # not even ended: a server that is gone is waited for again
        if asked:
            with suppress(OSError):  # a full disk stops no run, either
                files.write_json(self.folder / LOG, {name: vars(logged) for name, logged in self.logged.items()})


@contextmanager
def tracked(config: Any, recipe: str, folder: Path) -> Iterator[Tracking]:
    """The trackers of a run while it lasts, see `TrackFields`.

    An interrupted run continues in each tracker; of a finished one, a tracker gets what it does not have yet.

    Raises:
        MachineError: If a tracker cannot be opened.
    """
    tracking = Tracking(folder, logged=_read(folder))
    try:
        for name in trackers_of(config):
            tracking.open(name, recipe)
        yield tracking
        tracking.finish()
    except BaseException as error:
        tracking.stop("failed" if isinstance(error, Exception) else "stopped")
        raise


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Restores the state of Python's random numbers, from which Keras draws seeds and other packages draw names."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _read(folder: Path) -> dict[str, Logged]:
    try:
        return {name: Logged(**logged) for name, logged in files.read_json(folder / LOG).items()}
    except (OSError, ValueError, TypeError, AttributeError):  # none, or one that somebody has changed
        return {}


def _scores(report: Mapping[str, Any]) -> dict[str, float]:
    return {
        f"{split}/{name}": float(score)
        for split, scores in report["scores"].items()
        for name, score in scores.items()
        if isinstance(score, (int, float))
    }


def _history(folder: Path) -> list[dict[str, Any]]:
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{**row, "epoch": int(row["epoch"])} for row in rows]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
