"""Runs: a folder of their own, a seed, trackers, and the seconds that each stage took."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tfft import extras, files
from tfft.errors import MachineError, TfftError, check_range
from tfft.pages import Page
from tfft.runs.folders import FINISHED, claim, resume_command
from tfft.runs.graphs import graphs_freed
from tfft.runs.output import lasting_output
from tfft.runs.replay import CONFIG, as_json, read_run, taken_advice, trained_with, with_choices
from tfft.runs.starting import start_keras
from tfft.tracking import Tracking, tracked, trackers_of
from tfft.training.advice import Advice
from tfft.version import __version__

if TYPE_CHECKING:
    from tfft.training import History

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "Pillow")


@dataclass(frozen=True)
class Run:
    """One run of a recipe."""

    page: Page
    folder: Path | None
    """None in a rehearsal."""
    config: Any
    """The recipe's `Config`."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds that each stage took."""
    taken: tuple[Advice, ...] | None = None
    """The advice that the run has taken, if it had begun before; None if that is still to be decided."""
    tracking: Tracking = field(default_factory=Tracking)
    """Its trackers, if it has any."""

    def stage(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function, records how long it took, and returns its result."""
        start = time.monotonic()
        result = function(*args, **kwargs)
        self.seconds[name] = round(time.monotonic() - start, 3)
        return result

    @property
    def finished(self) -> bool:
        """Whether the folder has the results of this run already."""
        return self.folder is not None and (self.folder / FINISHED).exists()

    def watch(self, history: History) -> None:
        """Logs the epochs of a history to the trackers of the run."""
        self.tracking.epochs(history.rows, since=history.since)

    def record(self, views: Mapping[str, Any], taken: Sequence[Advice] = ()) -> None:
        """Adds to `config.json` what was chosen, see `with_choices`, and logs the settings to the trackers.

        Args:
            views: How many views each phase has, if `views` is auto.
            taken: Advice, and what was lowered to fit into a time.
        """
        chosen: dict[str, Any] = {}
        if views and getattr(self.config, "views", None) == "auto":
            chosen["views"] = dict(views)
        if getattr(self.config, "recipe", "plain") == "auto" or getattr(self.config, "time_budget", None):
            chosen["advice"] = [asdict(advice) for advice in taken]
        if chosen:
            files.write_json(self.folder / CONFIG, {**read_run(self.folder), "chosen": chosen})
        self.tracking.settings(trained_with(self.folder))


@contextmanager
def open_run(page: Page, config: Any) -> Iterator[Run]:
    """A run in a folder of its own, see `claim`; starts Keras and sets the seed.

    `config.json` and a copy of your own page are in the folder from the start. A run that fails before it has written
    more leaves no folder behind; if it fails later, the command to resume it is shown.

    Args:
        page: The page of the recipe. Its name is part of the folder's name where `config.out` is None.
        config: The recipe's dataclass. `out` is the folder, or None for one in `runs/`; `seed` is used for Python,
            NumPy, TensorFlow and Keras, 0 or more and below 2**31.

    Raises:
        ConfigError: If the folder has other files, or a run of another configuration.
        ConflictError: If another run is using the folder.
        MachineError: If the folder cannot be written, or a tracker cannot be used.
    """
    _check_seed(config.seed)
    trackers_of(config)
    claimed = claim(page, config)
    folder = claimed.folder
    with lasting_output(folder):
        try:
            run = Run(page, folder, with_choices(config, folder), taken=taken_advice(read_run(folder)))
            _remember_trackers(folder, config)
            if claimed.begun:
                logger.info("%s %s", "Already finished:" if run.finished else "Resuming the run in", folder)
            run.stage("import", start_keras, config.seed)
            with tracked(config, page.name, folder) as tracking:
                if run.finished:
                    tracking.settings(trained_with(folder))
                with graphs_freed():
                    yield replace(run, tracking=tracking)
                _remove_state(folder)
        except BaseException as error:
            claimed.undo(CONFIG, page.path.name)
            if (folder / CONFIG).exists():
                _show_how_to_resume(folder, page, error)
            raise
        finally:
            claimed.release()


def _show_how_to_resume(folder: Path, page: Page, error: BaseException) -> None:
    """Not after errors that would only come again, nor for a finished run, whose tracker failed."""
    if (isinstance(error, TfftError) and not isinstance(error, MachineError)) or (folder / FINISHED).exists():
        return
    if "python_object" in (folder / CONFIG).read_text(encoding="utf-8"):
        logger.info("To resume this run, call `run` again with the same objects and out=%r", str(folder))
    else:
        logger.info("To resume this run, type: %s", resume_command(folder, page))


@contextmanager
def rehearse(page: Page, config: Any) -> Iterator[Run]:
    """A run without a folder, to show what it would do; starts Keras and sets the seed as `open_run` does."""
    _check_seed(config.seed)
    trackers_of(config)
    run = Run(page, None, config)
    run.stage("import", start_keras, config.seed)
    yield run


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide the numbers."""
    packages = {name: metadata.version(name) for name in (*PACKAGES, *extras.installed("keras-hub", "tensorflow-text"))}
    return {"tfft": __version__, "python": platform.python_version(), **packages}


def _remember_trackers(folder: Path, config: Any) -> None:
    """Lets `tfft resume` log to the trackers that the last command for this run named."""
    stored, track = read_run(folder), as_json(getattr(config, "track", ()))
    if stored["config"].get("track", []) != track:
        files.write_json(folder / CONFIG, {**stored, "config": {**stored["config"], "track": track}})


def _remove_state(folder: Path) -> None:
    """What is needed to resume a run, and no longer once it has finished."""
    from tfft.training.state import remove_state

    remove_state(folder)


def _check_seed(seed: int) -> None:
    check_range("seed", seed, least=0, most=2**31 - 1)
