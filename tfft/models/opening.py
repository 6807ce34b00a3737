"""A look at a model or weights file before Keras opens it: it may be from a stranger."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

import h5py

from tfft.errors import ConfigError, megabytes

MEMBERS = re.compile(r"config\.json|metadata\.json|model\.weights\.h5|assets/[^\\]*")
"""What Keras writes into a `.keras` file."""
MOST_TIMES = 100
"""How many times the size of its file content may have once it is unpacked; weights hardly shrink."""


def check_model_file(path: Path) -> None:
    """Looks at the members of a `.keras` file, and at what they and their arrays unpack to.

    Raises:
        ConfigError: If a member is none of Keras's, leads to another folder, or is too large.
        Exception: Of any kind, if the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            linked = member.external_attr >> 28 == 0o12
            if linked or ".." in member.filename.split("/") or not MEMBERS.fullmatch(member.filename):
                raise _refused(path, f"it has a member that Keras does not write: {member.filename!r}")
            _check_size(path, member.filename, member.file_size, member.compress_size)
        with archive.open("model.weights.h5") as weights:
            _check_arrays(path, weights, path.stat().st_size)


def check_weights_file(path: Path) -> None:
    """Looks at what the arrays of a weights file unpack to; what h5py cannot read is left to Keras to explain.

    Raises:
        ConfigError: If an array is too large.
    """
    try:
        with path.open("rb") as file:
            _check_arrays(path, file, path.stat().st_size)
    except (OSError, KeyError, RuntimeError):
        return


def _check_arrays(path: Path, file: IO[bytes], size: int) -> None:
    def look(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            _check_size(path, name, item.nbytes, size)

    with h5py.File(file, "r") as content:
        content.visititems(look)


def _check_size(path: Path, name: str, unpacked: int, packed: int) -> None:
    if unpacked > MOST_TIMES * max(packed, 10_000):
        raise _refused(path, f"{name} unpacks from {megabytes(packed)} to {megabytes(unpacked)}")


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path} is not opened: {why}", fix="Ask for the file again, from someone you trust")
