"""Who belongs to train, validation and test, decided by content."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from tfft.data.records import Record
from tfft.data.splitting import audit
from tfft.errors import DataError, check_range, listed


def assign_splits(
    records: Sequence[Record],
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
    leaks: Literal["stop", "drop", "accept"] = "stop",
) -> list[Record]:
    """Gives every record its split: its own where the source says so, else a stratified one by content.

    A split depends on the seed and on what an example holds, not on its name or place: adding some moves
    few of the others. Equal examples, and those of one group, stay on one side. A source that
    has `train` and `test` but no `val` gets its `val` from `train`.

    Args:
        records: With their digests.
        val_fraction: Share to validate on, where the source has no `val`.
        test_fraction: Share to test on, where the source has no splits.
        seed: Decides.
        leaks: What to do where the source itself has an example, or a group, in two splits: `"stop"`; `"drop"` it
            from the one that is trained on (or validated, against test); or `"accept"` it.

    Raises:
        ConfigError: If the fractions leave nothing to train on.
        DataError: If a class is too small to be on every side, nothing is left to validate on, or the source itself
            leaks.
    """
    check_range("val_fraction", val_fraction, above=0, below=1)
    check_range("test_fraction", test_fraction, least=0, below=1)
    check_range("val_fraction + test_fraction", val_fraction + test_fraction, below=1)
    given = {record.split for record in records}
    if given == {None}:
        return _split(records, {"test": test_fraction, "val": val_fraction}, seed)
    if "train" not in given:
        raise DataError("The data have a train split", received=f"only {listed(sorted(filter(None, given)))}")
    if leaks == "stop":
        audit.check_leaks(records)
    elif leaks == "drop":
        records = _without_leaks(records)
    if "val" in given:
        return list(records)
    train = [record for record in records if record.split == "train"]
    return _split(train, {"val": val_fraction}, seed) + [r for r in records if r.split != "train"]


def _without_leaks(records: Sequence[Record]) -> list[Record]:
    """Leaves out of train what is in val or test too, and out of val what is in test, equal or of one group."""
    kept: list[Record] = []
    seen: set[tuple[str, str]] = set()
    for split in ("test", "val", "train"):
        some = [record for record in records if record.split == split and not seen & _names(record)]
        seen |= {name for record in some for name in _names(record)}
        kept += some
    order = {id(record): place for place, record in enumerate(records)}
    return sorted(kept, key=lambda record: order[id(record)])


def _names(record: Record) -> set[tuple[str, str]]:
    """What a record shares with those that must stay on its side: its content, its group."""
    return {("content", record.digest)} | ({("group", record.group)} if record.group is not None else set())


def _split(records: Sequence[Record], fractions: dict[str, float], seed: int) -> list[Record]:
    """Deals whole units (equal examples, groups) to the splits until each has its share of each class.

    The rarest class is dealt first, since a unit may hold several: iterative stratification (Sechidis,
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
        _check_sizes(holding, sides=1 + len(fractions))
    sizes = Counter(name for record in records for name in _strata(record))
    split_of: dict[int, str] = {}  # by position of the unit
    got: Counter[tuple[str, str]] = Counter()
    for label in sorted(sizes, key=lambda name: (sizes[name], name)):
        waiting = [position for position in holding[label] if position not in split_of]
        for sides_after, (name, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
            # at least one unit is left to each split that comes after, and to train
            chosen = _fill(
                {position: labels_in[position][label] for position in waiting},
                room=max(1, round(fraction * sizes[label])) - got[name, label],
                most=len(waiting) - sides_after,
                none_yet=not got[name, label],
            )
            for position in chosen:
                split_of[position] = name
                got.update({(name, held): count for held, count in labels_in[position].items()})
            waiting = [position for position in waiting if position not in split_of]
        split_of.update(dict.fromkeys(waiting, "train"))
    if not records[0].truth.one_class:
        _leave_some_to_train(holding, split_of)
    side = {index: split_of[position] for position, unit in enumerate(units) for index in unit}
    result = [replace(record, split=side[index]) for index, record in enumerate(records)]
    if records[0].truth.one_class:
        _check_sides(result, ["train", *fractions])
    if "val" not in split_of.values():
        raise DataError(
            "Validation has at least one example",
            received=f"none of {len(units)} different examples or groups",
            fix="Add examples or groups, or split them yourself into train/ and val/",
        )
    return result


def _strata(record: Record) -> set[str]:
    """The classes of an example; one that has none stands with its like."""
    return set(record.truth.labels) or {""}


def _leave_some_to_train(holding: dict[str, list[int]], split_of: dict[int, str]) -> None:
    """Gives train a unit of each class that it has none of: units of several classes may all have gone elsewhere."""
    for label in sorted(holding, key=lambda name: (len(holding[name]), name)):
        if all(split_of[position] != "train" for position in holding[label]):
            split_of[holding[label][0]] = "train"


def _fill(sizes: dict[int, int], *, room: int, most: int, none_yet: bool) -> list[int]:
    """Units, in their order, that fill `room`: one too large for what is left is passed over."""
    chosen = []
    for position, size in sizes.items():
        if size <= room and len(chosen) < most:
            chosen.append(position)
            room -= size
    if not chosen and none_yet and room > 0 and most > 0:
        chosen.append(min(sizes, key=sizes.__getitem__))  # all are too large; the least of them overshoots least
    return chosen


def _units(records: Sequence[Record]) -> list[list[int]]:
    """Indices that must stay together: connected by equal content or by a group (union-find)."""
    parent = list(range(len(records)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, str], int] = {}
    for index, record in enumerate(records):
        for key in _names(record):
            parent[root(index)] = root(first.setdefault(key, index))
    units = defaultdict(list)
    for index in range(len(records)):
        units[root(index)].append(index)
    # smallest content first, so that the name of a unit does not depend on the order of the files
    return [sorted(unit, key=lambda index: records[index].digest) for unit in units.values()]


def _rank(record: Record, seed: int) -> bytes:
    name = record.digest if record.group is None else record.group
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()


def _check_sizes(holding: dict[str, list[int]], sides: int) -> None:
    if small := {label: len(units) for label, units in sorted(holding.items()) if len(units) < sides}:
        raise DataError(
            f"Every class has at least {sides} different examples or groups, one for each of its splits",
            received=listed(f"{label!r} with {count}" for label, count in small.items()),
            fix="Add examples, remove the class, or split them yourself into train/ and val/",
        )


def _check_sides(records: Sequence[Record], names: Iterable[str]) -> None:
    """Groups of several classes may leave a class without its place; better said than scored."""
    there = {(record.split, name) for record in records for name in record.truth.labels}
    labels = sorted({name for _, name in there})
    if missing := [f"{label!r} in {name}" for label in labels for name in names if (name, label) not in there]:
        raise DataError(
            "Every class is in every split",
            received=f"groups that leave none of {listed(missing)}",
            fix="Try another `--seed`, or decide yourself with a split column",
        )
