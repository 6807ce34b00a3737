"""The setting that names the trackers of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Name = Literal["tensorboard", "mlflow", "wandb"]


@dataclass(frozen=True)
class TrackFields:
    """A setting of every recipe, to be inherited by their `Config`."""

    track: tuple[Name, ...] = ()
    """Where to log settings, epochs, scores and files of the run: tensorboard, mlflow, wandb (Weights & Biases)."""
