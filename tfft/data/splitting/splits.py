"""Assigns examples to train, validation and test by their content."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from tfft.data.records import Record
from tfft.data.splitting.connecting import connected
from tfft.data.splitting.leaks import check_leaks, shared_names, without_leaks
from tfft.errors import DataError, check_range, listed


def assign_splits(
    records: Sequence[Record],
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
    leaks: Literal["drop", "stop", "accept"] = "drop",
) -> list[Record]:
    """Returns the records with their splits: those of the source, or else stratified ones by content.

    A split depends on the seed and on the content of an example, not on its name or position: adding examples moves
    few of the others. Equal examples stay together, and so do examples of one group. If the source has `train` and
    `test` but no `val`, `val` is taken from `train`.

    Args:
        records: Records with digests.
        val_fraction: Share of validation examples, if the source has no `val`.
        test_fraction: Share of test examples, if the source has no splits.
        seed: Seed of the assignment.
        leaks: What to do if splits of the source share an example or a group: `"drop"` it from train if it is also in
            val or test, and from val if it is also in test (its split is then `LEAK`); `"stop"`; or `"accept"` it.

    Raises:
        ConfigError: If the fractions leave nothing to train on.
        DataError: If a class is too small for all splits, nothing is left to validate on, or splits of the source
            overlap.
    """
    check_range("val_fraction", val_fraction, above=0, below=1)
    check_range("test_fraction", test_fraction, least=0, below=1)
    check_range("val_fraction + test_fraction", val_fraction + test_fraction, below=1)
    splits = {record.split for record in records}
    if splits == {None}:
        return _split(records, {"test": test_fraction, "val": val_fraction}, seed)
    if "train" not in splits:
        raise DataError(
            f"The data have no train split, only {listed(sorted(filter(None, splits)))}", fix="Add a train split"
        )
    if leaks == "stop":
        check_leaks(records)
    elif leaks == "drop":
        records = without_leaks(records)
    if "val" in splits:
        return list(records)
    train = [record for record in records if record.split == "train"]
    return _split(train, {"val": val_fraction}, seed) + [r for r in records if r.split != "train"]


def _split(records: Sequence[Record], fractions: dict[str, float], seed: int) -> list[Record]:
    """Assigns whole units (equal examples, groups) until each split has its share of each class.

    The rarest class comes first, since a unit may have several classes: iterative stratification (Sechidis,
    Tsoumakas and Vlahavas 2011).
    """
    fractions = {name: fraction for name, fraction in fractions.items() if fraction > 0}
    units = sorted(_units(records), key=lambda unit: _rank(records[unit[0]], seed))
    labels_in = [Counter(name for index in unit for name in _strata(records[index])) for unit in units]
    holding = defaultdict(list)
    for position, labels in enumerate(labels_in):
        for label in labels:
            holding[label].append(position)
    if records[0].truth.one_class:
        _check_sizes(holding, splits=1 + len(fractions))
    sizes = Counter(name for record in records for name in _strata(record))
    split_of: dict[int, str] = {}  # by position of the unit
    assigned: Counter[tuple[str, str]] = Counter()  # by split and class
    for label in sorted(sizes, key=lambda name: (sizes[name], name)):
        waiting = [position for position in holding[label] if position not in split_of]
        for sides_after, (name, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
            # leave at least one unit for each later split, and for train
            chosen = _fill(
                {position: labels_in[position][label] for position in waiting},
                room=max(1, round(fraction * sizes[label])) - assigned[name, label],
                most=len(waiting) - sides_after,
                none_yet=not assigned[name, label],
            )
            for position in chosen:
                split_of[position] = name
                assigned.update({(name, other): count for other, count in labels_in[position].items()})
            waiting = [position for position in waiting if position not in split_of]
        split_of.update(dict.fromkeys(waiting, "train"))
    if not records[0].truth.one_class:
        _train_each_class(holding, split_of)
    split_of_record = {index: split_of[position] for position, unit in enumerate(units) for index in unit}
    result = [replace(record, split=split_of_record[index]) for index, record in enumerate(records)]
    if records[0].truth.one_class:
        _check_complete(result, ["train", *fractions])
    if "val" not in split_of.values():
        raise DataError(
            f"{len(units)} different examples or groups are too few to leave one for validation",
            fix="Add examples or groups, or split them yourself into train/ and val/",
        )
    return result


def _strata(record: Record) -> set[str]:
    """Returns the classes of an example; examples without classes form a stratum of their own."""
    return set(record.truth.labels) or {""}


def _train_each_class(holding: dict[str, list[int]], split_of: dict[int, str]) -> None:
    """Moves a unit to train for each class it lacks: with several classes per unit, all may be in other splits."""
    for label in sorted(holding, key=lambda name: (len(holding[name]), name)):
        if all(split_of[position] != "train" for position in holding[label]):
            split_of[holding[label][0]] = "train"


def _fill(sizes: dict[int, int], *, room: int, most: int, none_yet: bool) -> list[int]:
    """Returns units, in order, that fill `room`, skipping those too large for the rest of it."""
    chosen = []
    for position, size in sizes.items():
        if size <= room and len(chosen) < most:
            chosen.append(position)
            room -= size
    if not chosen and none_yet and room > 0 and most > 0:
        chosen.append(min(sizes, key=sizes.__getitem__))  # all are too large; the smallest overshoots least
    return chosen


def _units(records: Sequence[Record]) -> list[list[int]]:
    """Returns indices that must stay together, connected by equal content or by a group."""
    first: dict[tuple[str, str], int] = {}
    pairs = [
        (index, first.setdefault(key, index)) for index, record in enumerate(records) for key in shared_names(record)
    ]
    # smallest digest first, so that the rank of a unit does not depend on the order of the files
    return [sorted(unit, key=lambda index: records[index].digest) for unit in connected(len(records), pairs)]


def _rank(record: Record, seed: int) -> bytes:
    name = record.digest if record.group is None else record.group
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()


def _check_sizes(holding: dict[str, list[int]], splits: int) -> None:
    if small := [f"{label!r} has {len(units)}" for label, units in sorted(holding.items()) if len(units) < splits]:
        raise DataError(
            f"A class needs at least {splits} different examples or groups, one for each split; {listed(small)}",
            fix="Add examples, remove the class, or split them yourself into train/ and val/",
        )


def _check_complete(records: Sequence[Record], splits: Iterable[str]) -> None:
    """Raises `DataError` if a split lacks a class, which groups with several classes can cause."""
    present = {(record.split, name) for record in records for name in record.truth.labels}
    labels = sorted({name for _, name in present})
    if missing := [f"{label!r} in {split}" for label in labels for split in splits if (split, label) not in present]:
        raise DataError(
            f"Splitting by group leaves no example of {listed(missing)}",
            fix="Try another `--seed`, or add a split column",
        )
