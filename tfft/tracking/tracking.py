"""The trackers of a run: opened before anything is read, told of each epoch, and never the reason why a run fails."""

from __future__ import annotations

import csv
import importlib
import logging
import random
import shutil
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfft import extras, files
from tfft.errors import ConfigError, MachineError, listed
from tfft.tracking.settings import Name
from tfft.tracking.tracker import EVENTS, About, Tracker

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
    """Whether the settings were logged."""
    begun_here: bool = False
    """Whether no tracker knew the run before."""

    def open(self, name: str, recipe: str) -> None:
        """Opens a tracker, unless it has the whole run already.

        Raises:
            MachineError: If that fails.
        """
        logged = self.logged.setdefault(name, Logged())
        if logged.finished:
            return
        module = importlib.import_module(f"tfft.tracking.{name}")
        try:
            with random_state_kept():
                tracker = module.open_tracker(About(self.folder, recipe, logged.known_as))
        except Exception as error:  # whatever the package raises
            raise MachineError(f"{TITLES[name]} cannot be used: {_first_line(error)}", fix=FIXES[name]) from error
        self.trackers[name] = tracker
        if tracker.known_as != logged.known_as:
            self.logged[name] = Logged(tracker.known_as)
        self._write()

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings of the run, some of which may only now have been chosen."""
        self.settled = True
        self._tell(lambda name, tracker: tracker.settings(values))

    def epochs(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Logs the rows of the history that a tracker does not have yet."""

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
        mine = (LOG, EVENTS)
        contents = sorted(p for p in self.folder.iterdir() if p.name not in mine and not p.name.startswith("."))
        self.epochs(_history(self.folder))

        def log(name: str, tracker: Tracker) -> None:
            tracker.results(scores, self.folder, contents)
            tracker.end(finished=True)
            self.logged[name].finished = True

        self._tell(log)
        self.trackers.clear()

    def stop(self) -> None:
        """Ends a run that failed or was stopped in each tracker; one that never began leaves no file."""
        self._tell(lambda name, tracker: tracker.end(finished=False))
        if self.begun_here and not self.settled:
            (self.folder / LOG).unlink(missing_ok=True)
            shutil.rmtree(self.folder / EVENTS, ignore_errors=True)

    def _tell(self, log: Callable[[str, Tracker], None]) -> None:
        """Tells every tracker; one that fails is told no more."""
        asked = list(self.trackers.items())
        for name, tracker in asked:
            try:
                with random_state_kept():
                    log(name, tracker)
            except Exception as error:  # whatever the package raises
                del self.trackers[name]
                logger.warning(
                    "%s no longer logs this run: %s. The run continues; once it has finished, type its command again "
                    "to log what is missing.",
                    TITLES[name],
                    _first_line(error),
                )
        if asked:
            with suppress(OSError):  # a full disk stops no run, either
                self._write()

    def _write(self) -> None:
        files.write_json(self.folder / LOG, {name: vars(logged) for name, logged in self.logged.items()})


def check_trackers(config: Any) -> None:
    """Raises `ConfigError` for a tracker that does not exist, and `MachineError` if its package is missing."""
    for name in _named(config):
        if name not in TITLES:
            raise ConfigError(f"`track` must be some of {listed(map(repr, typing.get_args(Name)))} (got {name!r})")
        extras.require(name, f"`--track {name}`")


@contextmanager
def tracked(config: Any, recipe: str, folder: Path) -> Iterator[Tracking]:
    """The trackers of a run while it lasts, see `TrackFields`.

    An interrupted run continues in each tracker; of a finished one, a tracker gets what it does not have yet.

    Raises:
        MachineError: If a tracker cannot be opened.
    """
    logged = _read(folder)
    tracking = Tracking(folder, logged=logged, begun_here=not logged)
    try:
        for name in dict.fromkeys(_named(config)):
            tracking.open(name, recipe)
        yield tracking
        tracking.finish()
    except BaseException:
        tracking.stop()
        raise


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Restores the state of Python's random numbers, from which Keras draws seeds and other packages draw names."""
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


def _named(config: Any) -> tuple[str, ...]:
    names = getattr(config, "track", ())
    return (names,) if isinstance(names, str) else tuple(names)


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
