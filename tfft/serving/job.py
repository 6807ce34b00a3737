"""The options of `tfft predict` and `tfft export`, checked without TensorFlow."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.errors import ConfigError, check_range, listed
from tfft.serving.tables import check_out

BATCH = 32
"""Inputs of a batch."""
MOST_TOGETHER = 10_000
"""Inputs of a batch at most."""


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the inputs, for jobs that run side by side."""

    number: int
    """From 1 to `count`."""
    count: int

    @classmethod
    def of(cls, words: str) -> Shard:
        """From `"3/16"`.

        Raises:
            ConfigError: If this is no part of a whole.
        """
        number, _, count = (part if part.isdecimal() and len(part) < 7 else "0" for part in words.partition("/"))
        if not 1 <= int(number) <= int(count):
            raise ConfigError(f"`--shard` must be like 3/16, from 1/16 to 16/16 (got {words})", fix="Correct it")
        return cls(int(number), int(count))

    def applied(self, items: Iterable[Any]) -> Iterator[Any]:
        """Every `count`-th item."""
        return itertools.islice(items, self.number - 1, None, self.count)

    def named(self, path: Path) -> Path:
        """The file of this shard beside those of the others: `answers-03-of-16.csv`."""
        width = len(str(self.count))
        return path.with_name(f"{path.stem}-{self.number:0{width}}-of-{self.count}{path.suffix}")


@dataclass(frozen=True)
class Job:
    """What to do with the answers."""

    out: Path | None = None
    """A .csv, .jsonl or .parquet file; None shows them on the screen."""
    draw: Path | None = None
    """A new folder for pictures with their boxes or masks."""
    tta: bool = False
    """Whether to take the mean over each picture and its mirror image."""
    shard: Shard = Shard(1, 1)
    top: int = 3
    """Classes of a row."""
    batch_size: int = BATCH

    def __post_init__(self) -> None:
        check_range("--batch-size", self.batch_size, least=1, most=MOST_TOGETHER)
        check_range("--top", self.top, least=1)
        if self.out is not None:
            check_out(self.file)
        if self.drawn is not None and self.drawn.exists() and (not self.drawn.is_dir() or any(self.drawn.iterdir())):
            raise ConfigError(f"{self.drawn} is not an empty folder", fix="Choose another `--draw`")

    @property
    def drawn(self) -> Path | None:
        """The folder for the pictures of this shard."""
        return self.draw if self.draw is None or self.shard.count == 1 else self.shard.named(self.draw)

    @property
    def file(self) -> Path:
        """The file of this shard."""
        return self.shard.named(self.out) if self.shard.count > 1 else self.out


def check_folders(names: Sequence[str], folder: Path) -> None:
    """Raises `ConfigError` if a format has a folder already, or there is something else at the place of `folder`."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder", fix="Choose another `--out`")
    if old := [str(folder / name) for name in names if (folder / name).exists()]:
        raise ConfigError(f"{listed(old)} exists already", fix="Choose another `--out`; tfft never overwrites a folder")
