"""One labelled picture before it is decoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tfft.errors import DataError, nearest

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Record:
    """One picture with its class and, where the source says so, its split and group."""

    picture: Path | bytes = field(repr=False)
    """A file, or the bytes of one (PNG, JPEG, ...)."""
    label: str
    """Name of its class."""
    where: str
    """How to find it again: a path below the data folder, or a name and a number."""
    split: str | None = None
    """`train`, `val` or `test`, where the source decides."""
    group: str | None = None
    """Pictures of one group (a patient, a scene) never straddle a split."""

    def read(self) -> bytes:
        """The bytes of the file."""
        return self.picture if isinstance(self.picture, bytes) else self.picture.read_bytes()

    @cached_property
    def digest(self) -> str:
        """Hash of the content: equal pictures have equal digests, whatever their names."""
        return hashlib.blake2b(self.read(), digest_size=16).hexdigest()


def split_name(name: str, where: str) -> str:
    """The split that a folder or a cell means: `"validation"` is `"val"`."""
    try:
        return SPLIT_NAMES[name.strip().lower()]
    except KeyError:
        raise DataError(
            "A split is one of " + ", ".join(map(repr, SPLIT_NAMES)),
            received=f"{name!r} in {where}",
            fix=f"Nearest: {nearest(name, SPLIT_NAMES)}",
        ) from None
