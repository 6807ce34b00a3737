"""What a run is made of, and must be unchanged when it is resumed."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfft.data.indexing import Indexable
from tfft.errors import ConfigError, DataError, counted, listed
from tfft.extras import installed
from tfft.models.fingerprint import layers_digest
from tfft.training import phases
from tfft.training.machine import machine
from tfft.training.plan import Plan
from tfft.training.state import State
from tfft.version import __version__

logger = logging.getLogger(__name__)

VAL = "val"
DECIDING = ("train", VAL)
"""The splits that decide the weights."""
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
    layers: str
    """A digest of the settings of all layers, some of which may come from the data."""
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
            layers_digest(plan.model),
            {"tfft": __version__, **machine(*installed(*plan.splits.train.packages))},
        )

    @property
    def described(self) -> dict[str, Any]:
        """All but the examples, as JSON values."""
        names = ("targets", "labels", "frozen", "settings", "layers", "machine")
        return {"splits": list(self.examples), **{name: getattr(self, name) for name in names}}

    def continued(self, state: State, folder: Path, *, accept_changed_data: bool = False) -> State:
        """The state from which this origin goes on; warns if versions or the machine differ.

        Args:
            state: As it was written.
            folder: The run folder that it is in.
            accept_changed_data: Whether examples and targets may have changed. An epoch that had begun then starts
                again, from the weights that it had reached, and if `val` has changed, the best epoch is chosen among
                those that follow.

        Raises:
            DataError: If examples or labels have changed, with the counts of each split. Where that is accepted: if the
                list of labels has changed, or an example that is scored on now was trained on before.
            ConfigError: If settings, layers or frozen weights have changed.
        """
        earlier, began = state.made_with, f"since the run in {folder} began"
        anew = "or start a new run with another `--out`"
        if self.labels != earlier["labels"]:
            raise DataError(f"The list of labels has changed {began}", fix=f"Restore the labels, {anew}")
        changed = self._changed_data(state)
        what = f"The data have changed {began}: {'; '.join(changed.values())}"
        if changed and not accept_changed_data:
            raise DataError(what, fix=f"Restore the data, continue with `--changed-data accept`, {anew}")
        if changed or "seen" in state.arrays:
            state = replace(state, arrays={**state.arrays, "seen": _seen(state)})
        if changed and (again := self._seen_before(state)):
            raise DataError(f"{what}. {again}: their scores would be too good", fix=f"Restore the data, {anew}")
        now = self.settings
        before = {name: _of_earlier(value) for name, value in earlier["settings"].items()}
        if changed:  # a batch has at most as many examples as there are
            before = {**before, "--batch-size": now["--batch-size"]}
        if others := [name for name in dict.fromkeys([*now, *before]) if now.get(name) != before.get(name)]:
            raise ConfigError(f"{listed(others)} changed {began}", fix=f"Use the same settings, {anew}")
        if self.frozen != earlier["frozen"]:
            raise ConfigError(f"The weights of the backbone have changed {began}", fix=f"Use the same weights, {anew}")
        if self.machine != earlier["machine"]:
            logger.warning("The run began with other versions or on another machine: the last bits may differ.")
        elif self.layers != earlier.get("layers", self.layers):  # an older tfft did not store them
            why = " with the data" if changed else ""
            raise ConfigError(f"The layers of the model have changed{why} {began}", fix=f"Restore them, {anew}")
        return self._accepted(state, changed, what) if changed else state

    def _accepted(self, state: State, changed: Mapping[str, str], what: str) -> State:
        """The state from which the run continues with other data."""
        logger.warning("%s. The run continues with the data as they are now.", what)
        history = state.history
        note = f"The data changed while the run was interrupted, which was accepted: {'; '.join(changed.values())}"
        history = replace(history, notes=[*history.notes, note])
        if VAL not in changed:
            return replace(state, step=0, history=history)
        # scores on other examples cannot be compared
        history = replace(history, since=len(history.rows))
        return replace(state, step=0, history=history, best_score=(-math.inf, -math.inf))

    def _changed_data(self, state: State) -> dict[str, str]:
        """By split, what has changed: `{"train": "train: 2 added, 0 removed"}`."""
        before, changed = _examples(state), {}
        for name in dict.fromkeys([*self.examples, *before]):
            now, then = self.examples.get(name, NO_EXAMPLES), before.get(name, NO_EXAMPLES)
            added, removed = len(np.setdiff1d(now, then)), len(np.setdiff1d(then, now))
            if added or removed:
                changed[name] = f"{name}: {added:,} added, {removed:,} removed"
            elif not np.array_equal(now, then):
                changed[name] = f"{name}: another order, or other labels"
            elif self.targets[name] != state.made_with["targets"][name]:
                changed[name] = f"{name}: other labels"
        return changed

    def _seen_before(self, state: State) -> str:
        """Which examples a split is scored on now, after another one has decided the weights by them."""
        seen = dict(zip(DECIDING, state.arrays["seen"], strict=True))
        for now, then in (("val", "train"), ("test", "train"), ("test", "val")):
            both = np.intersect1d(self.examples.get(now, NO_EXAMPLES), seen[then])
            if len(both):
                return f"{counted(len(both), 'example')} of {now} were in {then} before"
        return ""


def _of_earlier(setting: Any) -> Any:
    """A setting as an earlier tfft stored it; a phase has got further ones."""
    return phases.of_earlier(setting) if isinstance(setting, dict) else setting


def _examples(state: State) -> dict[str, np.ndarray]:
    """By split, the keys of the examples that a run began with."""
    return dict(zip(state.made_with["splits"], state.arrays["examples"], strict=True))


def _seen(state: State) -> list[np.ndarray]:
    """The keys of all examples that the run has had in `train`, and in `val`, until this state."""
    now, before = _examples(state), state.arrays.get("seen", [NO_EXAMPLES] * len(DECIDING))
    return [np.union1d(now[name], others) for name, others in zip(DECIDING, before, strict=True)]


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
