"""What a tracker is asked to log. The packages' own Keras callbacks count epochs anew in every phase, and see nothing
of a head that is solved; so each tracker takes the rows of the history instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

EVENTS = "tensorboard"
"""The folder in a run folder that TensorBoard reads."""


Outcome = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class About:
    """A run, as a tracker is told of it."""

    folder: Path
    recipe: str
    known_as: str | None = None
    """What the tracker called the run before it was interrupted."""

    @property
    def name(self) -> str:
        """What people call the run: the name of its folder, of the best run of a search with that of the search."""
        path = self.folder.resolve()
        return f"{path.parent.name} {path.name}" if path.name.partition("-")[0] == "best" else path.name


class Tracker(Protocol):
    """A run in one tracker. Its methods raise whatever the package raises."""

    known_as: str
    """What the tracker calls the run."""

    @property
    def where(self) -> str:
        """Where to look at the run, or what to type."""

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings by name, `"tune.epochs"` for instance; they are numbers, texts, or None."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Logs a row of the history."""

    def results(self, scores: Mapping[str, float], folder: Path, contents: Sequence[Path]) -> None:
        """Logs the scores of the saved model, `"test/accuracy"` for instance, and the files and folders of the run."""

    def end(self, outcome: Outcome) -> None:
        """Ends the run in the tracker."""

    def discard(self) -> None:
        """Removes a run that has not begun, as far as the tracker can."""


def numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of an epoch by name, without its own number."""
    return {name: float(value) for name, value in row.items() if name not in ("phase", "epoch")}
