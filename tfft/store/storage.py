"""Settings of the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfft.errors import check_range


@dataclass(frozen=True)
class Storage:
    """Where and how the outputs of frozen layers are stored."""

    folder: str | None = None
    """Folder of the store; by default $TFFT_STORE, or tfft in the user's cache folder."""
    limit: float = 20.0
    """Gigabytes on disk; the least recently used data is removed first; 0 keeps nothing after the run."""
    memory: float | None = None
    """Gigabytes that a phase may load into memory instead of reading from disk; by default a quarter of all memory."""
    dtype: Literal["float32", "float16"] = "float32"
    """Type of stored activations; float16 takes half the room and rounds them."""

    def __post_init__(self) -> None:
        check_range("limit", self.limit, least=0, most=1e6)
        check_range("memory", self.memory or 0, least=0, most=1e6)
