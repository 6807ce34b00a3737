"""The state of a training run as one file, from which it is resumed with the same bits."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfft import files
from tfft.errors import ConfigError
from tfft.training.recording import History
from tfft.version import __version__

logger = logging.getLogger(__name__)

STATE, PREVIOUS = "state.npz", "state-before.npz"
"""The newest state in a run folder, and the one before it, for the case that the newest is damaged."""
FORMAT = 1
"""Raised when older states can no longer be read."""


@dataclass(frozen=True, eq=False)
class State:
    """How far a training run has come. Everything else follows from its configuration and data."""

    phase: int
    """Index of the phase among those of the plan; their number once all are done."""
    epoch: int
    """Epochs of this phase that are done."""
    step: int
    """Steps of the next epoch that are done."""
    history: History
    best_score: tuple[float, float]
    """Of the best epoch, higher is better; see `Recorder`."""
    arrays: Mapping[str, list[np.ndarray]] = field(repr=False)
    """By kind: the `best` weights so far, and within a phase the `variables` of the model (with the seeds of its
    dropout), of the `optimizer` and of the `metrics`."""
    made_with: Mapping[str, Any] = field(repr=False)
    """What must be unchanged when the run is resumed, see `Origin`."""


def write_state(state: State, folder: Path) -> None:
    """Writes `state.npz`; the state that was there before becomes `state-before.npz`."""
    about = {
        "format": FORMAT,
        "tfft": __version__,
        **{name: getattr(state, name) for name in ("phase", "epoch", "step", "best_score", "made_with")},
        "history": vars(state.history),
    }
    named = {f"{kind}/{index}": array for kind, arrays in state.arrays.items() for index, array in enumerate(arrays)}
    named["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    named["checksum"] = np.frombuffer(_checksum(named), np.uint8)
    size = sum(array.nbytes for array in named.values())
    with files.replacing(folder / STATE, size=size, keep=folder / PREVIOUS) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)


def read_state(folder: Path) -> State | None:
    """The newest state in a run folder that is intact, with a warning if that is not the newest; None without any.

    Raises:
        ConfigError: If another version of tfft wrote it in a form that this one does not know.
    """
    for name in (STATE, PREVIOUS):
        try:
            named = _intact(folder / name)
            about = json.loads(named["about"].tobytes())
            if about["format"] == FORMAT:
                state = _state(named, about)
        except FileNotFoundError:
            continue
        except Exception as error:  # of any kind: the readers of zip and of NumPy raise many on damaged files
            logger.warning("%s is damaged and is not used: %s", folder / name, str(error) or type(error).__name__)
            if not isinstance(error, OSError):
                (folder / name).unlink()  # so that it does not become the state before the next one
            continue
        if about["format"] != FORMAT:
            raise ConfigError(
                f"{folder / name} was written by tfft {about['tfft']}, in a format that this version cannot read",
                fix="Resume with that version, or start a new run with another `--out`",
            )
        if name == PREVIOUS:
            logger.warning("Resuming from the state before it, %s", folder / name)
        return state
    return None


def remove_state(folder: Path) -> None:
    """Removes the states from a run folder, if there are any."""
    for name in (STATE, PREVIOUS):
        (folder / name).unlink(missing_ok=True)


def _state(named: Mapping[str, np.ndarray], about: dict[str, Any]) -> State:
    arrays: dict[str, list[np.ndarray]] = {}
    for name, array in named.items():
        kind, separator, _ = name.partition("/")
        if separator:
            arrays.setdefault(kind, []).append(array)
    return State(
        history=History(**about["history"]),
        best_score=tuple(about["best_score"]),
        arrays=arrays,
        **{name: about[name] for name in ("phase", "epoch", "step", "made_with")},
    )


def _intact(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file, after a look at its checksum.

    Nothing in it is compressed, so it cannot become larger than it is; and nothing is pickled, so it runs no code.
    """
    with zipfile.ZipFile(path) as archive:
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("it is compressed")
    with np.load(path, allow_pickle=False) as content:
        named = {name: content[name] for name in content.files}
    if named.pop("checksum").tobytes() != _checksum(named):
        raise ValueError("its checksum does not fit")
    return named


def _checksum(named: Mapping[str, np.ndarray]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name, array in named.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
