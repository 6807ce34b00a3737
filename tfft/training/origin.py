"""What a run is made of, and must be unchanged when it is resumed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfft.data.indexing import Indexable
from tfft.errors import ConfigError, DataError, listed
from tfft.extras import installed
from tfft.training.machine import machine
from tfft.training.plan import Plan
from tfft.training.state import State
from tfft.version import __version__

logger = logging.getLogger(__name__)

NO_EXAMPLES = np.empty(0, "S1")


@dataclass(frozen=True, eq=False)
class Origin:
    """What must be unchanged when a run is resumed."""

    examples: Mapping[str, np.ndarray]
    """By split, the key of each example, (examples,), bytes."""
    targets: Mapping[str, str]
    """By split, a digest of the targets."""
    labels: list[str]
    frozen: list[str]
    """Fingerprints of the weights of the trunks."""
    settings: Mapping[str, Any]
    """Batch size, seed, and the settings and views of each phase."""
    machine: Mapping[str, Any]
    """Versions and processor; if they differ, so may the last bits."""

    @classmethod
    def of(cls, plan: Plan) -> Origin:
        """The origin of a run of this plan."""
        return cls(
            {name: np.array(plan.activations.keys[name], "S") for name, _ in plan.splits.items()},
            {name: _digest(examples.targets, len(examples)) for name, examples in plan.splits.items()},
            plan.splits.labels,
            [level.weights for level in plan.activations.levels],
            {
                "--batch-size": plan.batch_size,
                "--seed": plan.seed,
                **{f"--{p.name}": {**asdict(p.phase), "views": p.views} for p in plan.phases},
            },
            {"tfft": __version__, **machine(*installed(*plan.splits.train.packages))},
        )

    @property
    def described(self) -> dict[str, Any]:
        """All but the examples, as JSON values."""
        names = ("targets", "labels", "frozen", "settings", "machine")
        return {"splits": list(self.examples), **{name: getattr(self, name) for name in names}}

    def check(self, state: State, folder: Path) -> None:
        """Checks that a state in a run folder has the same origin; warns if versions or the machine differ.

        Raises:
            DataError: If examples or labels have changed, with the counts of each split.
            ConfigError: If settings or frozen weights have changed.
        """
        earlier, began = state.made_with, f"since the run in {folder} began"
        anew = "or start a new run with another `--out`"
        if changes := self._changed_examples(dict(zip(earlier["splits"], state.arrays["examples"], strict=True))):
            raise DataError(f"The data have changed {began}: {'; '.join(changes)}", fix=f"Restore the data, {anew}")
        if self.labels != earlier["labels"] or self.targets != earlier["targets"]:
            others = [name for name, digest in self.targets.items() if earlier["targets"].get(name) != digest]
            where = f" in {listed(others)}" if others else ""
            raise DataError(f"The labels have changed {began}{where}", fix=f"Restore the labels, {anew}")
        now, before = self.settings, earlier["settings"]
        if others := [name for name in dict.fromkeys([*now, *before]) if now.get(name) != before.get(name)]:
            raise ConfigError(f"{listed(others)} changed {began}", fix=f"Use the same settings, {anew}")
        if self.frozen != earlier["frozen"]:
            raise ConfigError(f"The weights of the backbone have changed {began}", fix=f"Use the same weights, {anew}")
        if self.machine != earlier["machine"]:
            logger.warning("The run began with other versions or on another machine: the last bits may differ.")

    def _changed_examples(self, before: Mapping[str, np.ndarray]) -> list[str]:
        changes = []
        for name in dict.fromkeys([*self.examples, *before]):
            now, then = self.examples.get(name, NO_EXAMPLES), before.get(name, NO_EXAMPLES)
            added, removed = len(np.setdiff1d(now, then)), len(np.setdiff1d(then, now))
            if added or removed:
                changes.append(f"{name}: {added:,} added, {removed:,} removed")
            elif not np.array_equal(now, then):
                changes.append(f"{name}: another order or number of examples")
        return changes


def check_shapes(kind: str, arrays: Sequence[np.ndarray], variables: Sequence[keras.Variable]) -> None:
    """Raises `ConfigError` unless arrays of a state have the shapes of the variables of the model."""
    if [tuple(array.shape) for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise ConfigError(
            f"The state belongs to another model: its {kind} have other shapes",
            fix="Undo what was changed in the model, or start a new run with another `--out`",
        )


def _digest(targets: Indexable | np.ndarray, count: int, block: int = 256) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for start in range(0, count, block):
        digest.update(np.ascontiguousarray(targets[np.arange(start, min(start + block, count))]).tobytes())
    return digest.hexdigest()
