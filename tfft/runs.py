"""Run folders: created before any work starts, with the configuration, seed, versions and times of a run."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tfft import extras, files, replay
from tfft.errors import ConfigError, ConflictError, MachineError, check_range, listed
from tfft.pages import Page
from tfft.version import __version__

if TYPE_CHECKING:
    import filelock

P = ParamSpec("P")
R = TypeVar("R")

LOCK = ".lock"
"""A file in a run folder, locked while the run lasts; the lock of a killed run ends with its process."""
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

    def stage(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function, records how long it took, and returns its result."""
        start = time.monotonic()
        result = function(*args, **kwargs)
        self.seconds[name] = round(time.monotonic() - start, 3)
        return result

    def record(self, choices: Mapping[str, Any]) -> None:
        """Writes what `auto` has chosen into `config.json`: a replay uses it, however much room its disk has."""
        if getattr(self.config, "views", None) == "auto" and self.config.augment != "none":
            config = dataclasses.replace(self.config, **choices)
            files.write_json(self.folder / "config.json", {**self.page.described(), "config": replay.as_json(config)})


@contextmanager
def open_run(page: Page, config: Any) -> Iterator[Run]:
    """A run in a new or empty folder: writes `config.json` and a copy of your own page into it, starts Keras and sets
    the seed.

    A run that fails before it has written a result leaves no folder behind.

    Args:
        page: The page of the recipe. Its name is part of the folder's name where `config.out` is None.
        config: The recipe's dataclass. `out` is the folder, or None for a new one in `runs/`; `seed` is used for
            Python, NumPy, TensorFlow and Keras, 0 or more and below 2**31.

    Raises:
        ConfigError: If `out` is a file or a folder that is not empty.
        ConflictError: If another run is using the folder.
        MachineError: If the folder cannot be written.
    """
    _check_seed(config.seed)
    existed = config.out is not None and Path(config.out).is_dir()
    parent_existed = config.out is not None or Path("runs").is_dir()
    folder, lock = _claim(page.name, config.out)
    try:
        files.write_json(folder / "config.json", {**page.described(), "config": replay.as_json(config)})
        if page.own:  # kept as it is now, in case it is changed or lost
            files.write_text(folder / page.path.name, page.path.read_text(encoding="utf-8"))
        run = Run(page, folder, config)
        run.stage("import", _start_keras, config.seed)
        yield run
    except BaseException:
        if {entry.name for entry in folder.iterdir()} <= {LOCK, "config.json", page.path.name}:
            for entry in list(folder.iterdir()):
                if entry.name != LOCK:
                    entry.unlink()
            _release(lock)
            if not existed:
                folder.rmdir()
            if not parent_existed:
                with suppress(OSError):  # another run has begun in it
                    folder.parent.rmdir()
        raise
    finally:
        _release(lock)


@contextmanager
def rehearse(page: Page, config: Any) -> Iterator[Run]:
    """A run without a folder, to show what it would do; starts Keras and sets the seed as `open_run` does."""
    _check_seed(config.seed)
    run = Run(page, None, config)
    run.stage("import", _start_keras, config.seed)
    yield run


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide the numbers."""
    packages = {name: metadata.version(name) for name in (*PACKAGES, *extras.installed("keras-hub", "tensorflow-text"))}
    return {"tfft": __version__, "python": platform.python_version(), **packages}


def _check_seed(seed: int) -> None:
    check_range("seed", seed, least=0, most=2**31 - 1)


def _release(lock: filelock.BaseFileLock) -> None:
    if lock.is_locked:
        lock.release()
        with suppress(OSError):
            Path(lock.lock_file).unlink()


def _claim(recipe: str, out: str | None) -> tuple[Path, filelock.BaseFileLock]:
    """A new or empty folder, and the lock on it."""
    import filelock

    if out is None:
        stem = f"{recipe}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        candidates = (Path("runs", name) for name in names)
    else:
        candidates = iter([Path(out)])
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=out is not None)
            there = _entries(folder)
            if not there:
                lock = filelock.FileLock(folder / LOCK, timeout=0)
                lock.acquire()
                there = _entries(folder)  # of a run that was here a moment earlier
                if not there:
                    # try it: permission bits alone do not show whether a folder can be written
                    files.write_text(folder / "config.json", "")
                    return folder, lock
                lock.release()
        except filelock.Timeout:
            raise ConflictError(f"Another run has just started in {folder}", fix="Choose another `--out`") from None
        except FileExistsError:
            if out is None:
                continue  # another run started in the same second
            raise ConfigError(f"`--out` {folder} is a file", fix="Choose a new or empty folder") from None
        except OSError as error:
            raise MachineError(
                f"Cannot write the run folder {folder}: {error.strerror}", fix="Choose another `--out`"
            ) from None
        kind = "a run" if "config.json" in there else "other files"
        raise ConfigError(
            f"`--out` {folder} already holds {kind} ({listed(there, most=4)})",
            fix="Choose another folder, or empty it yourself; tfft never deletes files",
        )
    raise AssertionError("unreachable: there is always another name")


def _entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.name != LOCK)


def _start_keras(seed: int) -> None:
    """Imports TensorFlow, lists the devices and sets the seeds.

    Hides the log lines of TensorFlow's C++ code. Some are written before the log level is read, so stderr itself is
    redirected meanwhile; if the start fails, they are shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # oneDNN logs harmless fallbacks as errors, level 2
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            import keras
            import tensorflow

            tensorflow.config.list_physical_devices()
        except BaseException:
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
    if (backend := keras.config.backend()) != "tensorflow" or keras.config.image_data_format() != "channels_last":
        raise ConfigError(
            f"Keras must run on `tensorflow` with `channels_last` (got {backend}, {keras.config.image_data_format()})",
            fix="Set KERAS_BACKEND=tensorflow, and image_data_format in keras.json",
        )
    keras.utils.set_random_seed(seed)
