"""What a run folder says about its model: `serving.json`, from which `model.keras` can be used anywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tfft import files
from tfft.errors import ConfigError, listed
from tfft.evaluation.tasks import TASKS
from tfft.models.sizes import Search
from tfft.serving.asked import file_bytes

CONTRACT = "serving.json"
FORMAT = 1
"""Version of the format of `serving.json`."""
PICTURE, TEXT = "picture", "text"
"""Kinds of input."""
GENERATING = ("translation", "summarization")
"""Tasks that generate texts."""
MOST_BYTES = 50_000_000
"""Bytes of `serving.json` at most."""
MOST_TOKENS = 20_000
"""Tokens of a text at most."""
MOST_SIDE = 10_000
"""Pixels of a side of the model's input at most."""


@dataclass(frozen=True)
class PictureInput:
    """The model takes pictures."""

    image_size: tuple[int, int]
    """Height and width in pixels."""
    flip: bool = True
    """Whether a mirrored picture means the same."""
    column: str = "path"
    """Column of a table that has the paths."""

    @property
    def described(self) -> dict[str, Any]:
        """As JSON values, with what a program without tfft has to do to a picture."""
        pixels = "RGB, 0 to 255, upright, stretched to image_size with antialiasing; preprocessing is in the model"
        return {"kind": PICTURE, **asdict(self), "pixels": pixels}


@dataclass(frozen=True)
class TextInput:
    """The model takes texts."""

    length: int
    """Tokens that a text is cut to, with start and end."""
    column: str = "text"
    """Column of a table that has the texts."""

    @property
    def described(self) -> dict[str, Any]:
        """As JSON values."""
        return {"kind": TEXT, **asdict(self)}


@dataclass(frozen=True)
class Generation:
    """How a model generates texts."""

    longest: int
    """Tokens of a text at most, with start and end."""
    search: Search
    subwords: str | None = field(default=None, repr=False)
    """The tokenizer of a new decoder, a SentencePiece file in base64; None for the network's own, in `model.keras`."""


@dataclass(frozen=True)
class Contract:
    """What is needed to use a model, besides the model."""

    labels: tuple[str, ...]
    """Names of the classes or quantities, in the order of the outputs; empty for generated texts."""
    input: PictureInput | TextInput
    generation: Generation | None = None
    task: str | None = None
    """One of `evaluation.TASKS`; None before the evaluation."""
    thresholds: tuple[float, ...] | None = None
    """For each label the score from which it is predicted; of two classes that of the positive one, and 0. None where
    there are no thresholds."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Where the model comes from: recipe, backbone, version of tfft, score, data. Nothing depends on it."""


def write_contract(contract: Contract, folder: Path) -> None:
    """Writes `serving.json`."""
    entries = {
        "format": FORMAT,
        "task": contract.task,
        "labels": list(contract.labels),
        "thresholds": None if contract.thresholds is None else list(contract.thresholds),
        "input": contract.input.described,
        "generation": None if contract.generation is None else asdict(contract.generation),
        **contract.about,
    }
    files.write_json(folder / CONTRACT, entries)


def read_contract(folder: Path) -> Contract:
    """The contract of a finished run, checked: the folder may be from a stranger.

    Raises:
        ConfigError: If there is none, or it is damaged.
    """
    path = folder / CONTRACT
    try:
        stored = json.loads(file_bytes(path, most=MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        if not folder.is_dir():
            raise ConfigError(f"Folder not found: {folder}", fix="Check the path of the run") from None
        raise ConfigError(
            f"No trained model in {folder}: {CONTRACT} is missing",
            fix="Check the folder, or finish its run: `tfft resume FOLDER`",
        ) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} is damaged: {str(error) or 'nested too deeply'}", fix="Copy the folder again"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}", fix="Copy the folder again") from None
    try:
        contract = _checked(stored)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ConfigError(f"{path} was not written by a run: {what}", fix="Copy the folder again") from None
    if contract.task is None and "score" in contract.about:
        raise ConfigError(
            f"The page of the run in {folder} evaluates in its own way, which tfft does not know",
            fix="Use model.keras with Keras, or return an evaluation of `tfft.evaluation` in `evaluate`",
        )
    if contract.task is None:
        raise ConfigError(f"The run in {folder} is not finished", fix=f"Type `tfft resume {folder}`")
    return contract


def _checked(stored: Any) -> Contract:
    """The contract from the values of `serving.json`; raises one of several errors if they are not those of one."""
    if stored["format"] != FORMAT:
        raise ValueError(f"its format is {stored['format']!r}, this version of tfft reads {FORMAT}")
    labels, thresholds, task = _texts(stored["labels"]), stored["thresholds"], stored["task"]
    if task is not None and task not in TASKS:
        raise ValueError(f"its task is {task!r}, not one of {listed(TASKS)}")
    if len(set(labels)) < len(labels):
        raise ValueError("it names a label twice")
    if thresholds is not None:
        thresholds = tuple(float(value) for value in thresholds)
        if len(thresholds) != len(labels) or not all(map(math.isfinite, thresholds)):
            raise ValueError(f"it has {len(thresholds)} thresholds for {len(labels)} labels")
    takes, generation = _input(stored["input"]), _generation(stored["generation"])
    if task is not None:
        _check_task(task, takes, generation, thresholds)
    known = ("format", "task", "labels", "thresholds", "input", "generation")
    return Contract(
        labels,
        takes,
        generation,
        task,
        thresholds,
        {name: value for name, value in stored.items() if name not in known},
    )


def _check_task(
    task: str, takes: PictureInput | TextInput, generation: Generation | None, thresholds: tuple[float, ...] | None
) -> None:
    pictures = isinstance(takes, PictureInput)
    if (task in GENERATING) != (generation is not None) or (task in GENERATING and pictures):
        raise ValueError(f"{task} does not go with its input and generation")
    if not pictures and task not in (*GENERATING, "classification"):
        raise ValueError(f"{task} is a task for pictures")
    if task == "classification":
        if thresholds is not None and (len(thresholds) != 2 or min(thresholds) != 0 or max(thresholds) <= 0):
            raise ValueError("it has thresholds other than that of the positive one of two classes, and 0")
    elif (task in ("multilabel", "detection")) != (thresholds is not None):
        raise ValueError(f"{task} {'has no' if thresholds is not None else 'needs'} thresholds")


def _input(stored: Any) -> PictureInput | TextInput:
    kind, (column,) = stored["kind"], _texts([stored["column"]])
    if kind == TEXT:
        return TextInput(_whole(stored["length"], MOST_TOKENS), column)
    if kind != PICTURE:
        raise ValueError(f"its input is {kind!r}")
    height, width = (_whole(side, MOST_SIDE) for side in stored["image_size"])
    return PictureInput((height, width), bool(stored["flip"]), column)


def _generation(stored: Any) -> Generation | None:
    if stored is None:
        return None
    subwords, search = stored["subwords"], stored["search"]
    return Generation(
        _whole(stored["longest"], MOST_TOKENS),
        Search(_whole(search["beams"], 64), float(search["length_penalty"])),
        None if subwords is None else _texts([subwords])[0],
    )


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{str(values)[:80]} is not a list of texts")
    return tuple(values)


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"{str(value)[:80]} is not a whole number from 1 to {most:,}")
    return value
