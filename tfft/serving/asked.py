"""What a person may pass to a model, one item after another."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.errors import ConfigError

INPUTS = "INPUTS"
"""What names the inputs on the command line."""


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """One picture or text, not read yet."""

    where: str
    """Its path, or its position."""
    content: Any
    """A path; or bytes, a picture of Pillow or an array; or a text; or the error that stands in its place."""


@dataclass(frozen=True, eq=False, slots=True)
class Read:
    """One picture or text as the model takes it."""

    where: str
    row: Any
    """Pixels, (height, width, 3), uint8; or the text."""
    size: tuple[int, int] | None = None
    """Height and width of a picture as it stands upright, in pixels."""


def file_bytes(path: Path, most: int | None = None) -> bytes:
    """The bytes of a file, at most so many; raises `OSError` for a pipe or a device, reading which may never end."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError("a folder" if stat.S_ISDIR(about.st_mode) else "a pipe or device, not a file")
    if most is not None and about.st_size > most:
        raise OSError(f"{about.st_size:,} bytes, more than {most:,}")
    return path.read_bytes()


def entries(inputs: Any, column: str) -> Iterable[Any]:
    """The entries of a collection; of a data frame those of a column.

    Raises:
        ConfigError: If it is no collection.
    """
    if hasattr(inputs, "columns") and hasattr(inputs, "iloc"):
        return inputs[column if column in inputs.columns else inputs.columns[0]]
    if isinstance(inputs, dict) or not hasattr(inputs, "__iter__") or getattr(inputs, "ndim", 1) == 0:
        raise ConfigError(
            f"A model cannot be asked about a value of type {type(inputs).__name__}",
            fix="Pass a path, a folder, a table, bytes, an array, a text, or a list of these",
        )
    return inputs
