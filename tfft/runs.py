"""The run folder: claimed before the work, with its configuration, seed, versions and times."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import os
import platform
import sys
import tempfile
import time
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from tfft import __version__, files
from tfft.errors import ConfigError, MachineError, check_range, listed

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")

PACKAGES = ("tensorflow", "keras", "numpy", "scikit-learn", "Pillow")


@dataclass(frozen=True)
class Run:
    """One run of a recipe."""

    recipe: str
    folder: Path
    config: Any
    """The recipe's `Config`."""
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each stage took."""

    def stage(self, name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function and notes how long it took."""
        start = time.monotonic()
        result = function(*args, **kwargs)
        self.seconds[name] = round(time.monotonic() - start, 3)
        return result


@contextmanager
def open_run(recipe: str, config: Any) -> Iterator[Run]:
    """Claims a new or empty folder, writes `config.json` into it and sets the seed.

    A run that fails before it has written a result leaves no folder behind.

    Args:
        recipe: Name of the recipe; names the folder too where `config.out` is None.
        config: The recipe's dataclass. `out` is the folder, or None for a new one below `runs/`; `seed` is that of
            Python, numpy, TensorFlow and Keras, 0 or more and below 2**31.

    Raises:
        ConfigError: If something lies at `out` already.
        MachineError: If the folder cannot be written.
    """
    check_range("seed", config.seed, least=0, most=2**31 - 1)
    existed = config.out is not None and Path(config.out).is_dir()
    folder = _claim(recipe, config.out)
    try:
        files.write_json(folder / "config.json", {"recipe": recipe, "config": as_json(config)})
        run = Run(recipe, folder, config)
        run.stage("import", _start_keras, config.seed)
        yield run
    except BaseException:
        if [entry.name for entry in folder.iterdir()] == ["config.json"]:
            (folder / "config.json").unlink()
            if not existed:
                folder.rmdir()
        raise


def read_config(config_class: type[C], folder: Path) -> C:
    """The configuration of an earlier run, with `out` left open.

    Raises:
        ConfigError: If the folder holds no configuration of this recipe.
    """
    path = folder / "config.json"
    try:
        stored = files.read_json(path)["config"]
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError("`--replay` names the folder of a run", received=f"no {path}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError("config.json is as a run wrote it", received=f"{path}: {error}") from None
    config = _from_json(config_class, stored, path)
    return dataclasses.replace(config, out=None)


def versions() -> dict[str, str]:
    """Python and the packages that decide the numbers."""
    packages = {name: metadata.version(name) for name in PACKAGES}
    return {"tfft": __version__, "python": platform.python_version(), **packages}


def _claim(recipe: str, out: str | None) -> Path:
    if out is None:
        stem = f"{recipe}-{datetime.datetime.now():%Y%m%d-%H%M%S}"
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        candidates = (Path("runs", name) for name in names)
    else:
        candidates = iter([Path(out)])
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=out is not None)
            there = sorted(entry.name for entry in folder.iterdir())
            if not there:
                # an attempt, since permission bits do not tell it all
                files.write_text(folder / "config.json", "")
        except FileExistsError:
            if out is None:
                continue  # another run began in the same second
            raise ConfigError("`--out` is a new or empty folder", received=f"a file at {folder}") from None
        except OSError as error:
            raise MachineError(
                "The run folder can be written", received=f"{folder}: {error.strerror}", fix="Choose another `--out`"
            ) from None
        if there:
            kind = "an earlier run" if "config.json" in there else "other files"
            raise ConfigError(
                "`--out` is a new or empty folder",
                received=f"{folder} with {kind}: {listed(there, most=4)}",
                fix="Choose another, or remove it yourself; tfft does not remove files",
            )
        return folder
    raise AssertionError("names do not end")


def _start_keras(seed: int) -> None:
    """Imports TensorFlow, looks for devices and sets the seeds.

    What TensorFlow's C++ side says of its start stays off the screen. It speaks before any log level is read, so
    the stream itself is held back; if the start fails, all is shown.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
            "Keras runs on TensorFlow, with `channels_last` pictures",
            received=f"{backend}, {keras.config.image_data_format()}",
            fix="Set KERAS_BACKEND=tensorflow, and image_data_format in keras.json",
        )
    keras.utils.set_random_seed(seed)


def as_json(value: Any) -> Any:
    """A configuration as JSON has it; a Python object (a model as backbone) only by its kind and name."""
    if dataclasses.is_dataclass(value):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [as_json(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool, dict)):
        return value
    # named, so that a replay can say why it cannot
    return {"python_object": f"{type(value).__name__} {getattr(value, 'name', '')}".strip()}


def _from_json(config_class: type[C], stored: dict[str, Any], path: Path) -> C:
    hints = typing.get_type_hints(config_class)
    if not isinstance(stored, dict):
        raise ConfigError("config.json is as a run wrote it", received=f"{stored!r} for a group of fields in {path}")
    if unknown := sorted(set(stored) - set(hints)):
        raise ConfigError(
            f"config.json holds fields of {config_class.__module__}.{config_class.__name__}",
            received=f"{listed(unknown)} in {path}",
            fix="Replay it with the recipe and the version of tfft that made it",
        )
    values = {}
    for name, value in stored.items():
        if isinstance(value, dict) and "python_object" in value:
            raise ConfigError(
                "A run that is replayed was described by its configuration alone",
                received=f"`{name}` was a Python object ({value['python_object']}) in {path}",
                fix="Run the Python code again that made it",
            )
        if dataclasses.is_dataclass(hints[name]):
            value = _from_json(hints[name], value, path)
        value = tuple(value) if isinstance(value, list) else value
        if not _fits(value, hints[name]):
            raise ConfigError("config.json is as a run wrote it", received=f"{name}={value!r} in {path}")
        values[name] = value
    return config_class(**values)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a plain type that a field asks for; other types are left to whoever reads the field."""
    if typing.get_origin(hint) is typing.Literal:
        return value in typing.get_args(hint)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return any(_fits(value, one) for one in typing.get_args(hint))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return not isinstance(hint, type) or type(value) is hint
