"""The setting that names the trackers of a run."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any, Literal

from tfft import extras
from tfft.errors import ConfigError, listed

Name = Literal["tensorboard", "mlflow", "wandb"]


@dataclass(frozen=True)
class TrackFields:
    """A setting of every recipe, to be inherited by their `Config`."""

    track: tuple[Name, ...] = ()
    """Where to log settings, epochs, scores and files of the run: tensorboard, mlflow, wandb (Weights & Biases). Of a
    search only the run of the best trial is logged."""


def trackers_of(config: Any) -> tuple[str, ...]:
    """The trackers that a configuration names, each once.

    Raises:
        ConfigError: If there is no such tracker.
        MachineError: If its package is missing.
    """
    named = getattr(config, "track", ())  # a page of your own may have been made before there were trackers
    named = tuple(dict.fromkeys((named,) if isinstance(named, str) else named))
    for name in named:
        if name not in typing.get_args(Name):
            raise ConfigError(f"`track` must be some of {listed(map(repr, typing.get_args(Name)))} (got {name!r})")
        extras.require(name, f"`--track {name}`")
    return named
