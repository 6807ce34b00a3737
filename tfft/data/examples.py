"""The examples of a run, indexable, and the one list of labels that all of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tfft.store import Rows


class Indexable(Protocol):
    """Rows that are looked up by position: an array, rows of the store, or what computes them."""

    def __getitem__(self, positions: np.ndarray) -> np.ndarray:
        """The rows at some positions, (positions, ...)."""


@dataclass(frozen=True)
class Examples:
    """The examples of one split, indexable, in one fixed order."""

    inputs: np.ndarray | Rows = field(repr=False)
    """(examples, height, width, 3), uint8: an array, or rows of the store that are read when they are asked for."""
    targets: np.ndarray = field(repr=False)
    """(examples,), int32: index of the class in `Splits.labels`."""
    ids: list[str] = field(repr=False)
    """Content digest of each picture, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Where each picture came from."""

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Splits:
    """The examples of a run and the one list of labels that all of them share."""

    train: Examples
    val: Examples
    test: Examples | None
    labels: list[str]
    notes: list[str] = field(default_factory=list)
    """What a person should know of the data, one sentence each."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Pictures left out, with the reason."""

    def items(self) -> Iterator[tuple[str, Examples]]:
        """The splits there are, by name: train, val and perhaps test."""
        for name in ("train", "val", "test"):
            if (examples := getattr(self, name)) is not None:
                yield name, examples

    def counts(self) -> dict[str, list[int]]:
        """Examples of each label in each split, in the order of `labels`."""
        return {
            name: np.bincount(examples.targets, minlength=len(self.labels)).tolist() for name, examples in self.items()
        }
