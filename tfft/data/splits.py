"""Train, validation and test: who belongs where, decided by content."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tfft.data import audit
from tfft.data.records import Record
from tfft.errors import ConfigError, DataError, listed

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Examples:
    """The examples of one split, indexable, in one fixed order."""

    inputs: np.ndarray = field(repr=False)
    """(examples, height, width, 3), uint8."""
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
            name: [Counter(examples.targets.tolist())[index] for index in range(len(self.labels))]
            for name, examples in self.items()
        }


def assign_splits(
    records: Sequence[Record],
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
    leaks: Literal["stop", "accept"] = "stop",
) -> list[Record]:
    """Gives every record its split: its own where the source says so, else a stratified one by content.

    A split depends on the seed and on what a picture shows, not on its name or place: adding pictures
    moves few of the others. Equal pictures, and pictures of one group, stay on one side. A source that
    has `train` and `test` but no `val` gets its `val` from `train`.

    Raises:
        ConfigError: If the fractions leave nothing to train on.
        DataError: If a class is too small to be on every side, or the source itself leaks.
    """
    if not (0 < val_fraction < 1 and 0 <= test_fraction < 1 and val_fraction + test_fraction < 1):
        raise ConfigError(
            "`val_fraction` is above 0, `test_fraction` 0 or more, and together they are below 1",
            received=f"val_fraction={val_fraction}, test_fraction={test_fraction}",
        )
    given = {record.split for record in records}
    if given == {None}:
        return _split(records, {"test": test_fraction, "val": val_fraction}, seed)
    if "train" not in given:
        raise DataError("The data have a train split", received=f"only {listed(sorted(filter(None, given)))}")
    if leaks == "stop":
        audit.check_leaks(records)
    if "val" in given:
        return list(records)
    train = [record for record in records if record.split == "train"]
    return _split(train, {"val": val_fraction}, seed) + [r for r in records if r.split != "train"]


def _split(records: Sequence[Record], fractions: dict[str, float], seed: int) -> list[Record]:
    """Deals whole units (equal pictures, groups) to the splits until each has its share of each class.

    The rarest class is dealt first, since a unit may hold several: iterative stratification (Sechidis,
    Tsoumakas and Vlahavas 2011).
    """
    fractions = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    units = sorted(_units(records), key=lambda unit: _rank(records[unit[0]], seed))
    sizes = Counter(record.label for record in records)
    _check_sizes(records, units, sides=1 + len(fractions))
    split_of: dict[int, str] = {}  # by position of the unit
    got: Counter[tuple[str, str]] = Counter()
    for label in sorted(sizes, key=lambda name: (sizes[name], name)):
        holding = [p for p, unit in enumerate(units) if any(records[index].label == label for index in unit)]
        waiting = [position for position in holding if position not in split_of]
        for sides_after, (name, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
            wanted = max(1, round(fraction * sizes[label]))
            # at least one unit is left to each split that comes after, and to train
            while got[name, label] < wanted and len(waiting) > sides_after:
                position = waiting.pop(0)
                split_of[position] = name
                got.update((name, records[index].label) for index in units[position])
        split_of.update(dict.fromkeys(waiting, "train"))
    side = {index: split_of[position] for position, unit in enumerate(units) for index in unit}
    result = [replace(record, split=side[index]) for index, record in enumerate(records)]
    _check_sides(result, ["train", *fractions])
    return result


def _units(records: Sequence[Record]) -> list[list[int]]:
    """Indices that must stay together: connected by an equal picture or by a group (union-find)."""
    parent = list(range(len(records)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, record in enumerate(records):
        keys = [("content", record.digest)] + ([("group", record.group)] if record.group is not None else [])
        for key in keys:
            parent[root(index)] = root(first.setdefault(key, index))
    units = defaultdict(list)
    for index in range(len(records)):
        units[root(index)].append(index)
    # smallest content first, so that the name of a unit does not depend on the order of the files
    return [sorted(unit, key=lambda index: records[index].digest) for unit in units.values()]


def _rank(record: Record, seed: int) -> bytes:
    name = record.digest if record.group is None else record.group
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()


def _check_sizes(records: Sequence[Record], units: Sequence[Sequence[int]], sides: int) -> None:
    counts = Counter(label for unit in units for label in {records[index].label for index in unit})
    if small := {label: count for label, count in sorted(counts.items()) if count < sides}:
        raise DataError(
            f"Every class has at least {sides} different pictures or groups, one for each of its splits",
            received=listed(f"{label!r} with {count}" for label, count in small.items()),
            fix="Add pictures, remove the class, or split them yourself into train/ and val/",
        )


def _check_sides(records: Sequence[Record], names: Sequence[str]) -> None:
    """Groups of several classes may leave a class without its place; better said than scored."""
    there = {(record.split, record.label) for record in records}
    labels = sorted({record.label for record in records})
    if missing := [f"{label!r} in {name}" for label in labels for name in names if (name, label) not in there]:
        raise DataError(
            "Every class is in every split",
            received=f"groups that leave none of {listed(missing)}",
            fix="Try another `--seed`, or decide yourself with a split column",
        )
