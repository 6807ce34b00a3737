"""Assembles examples and targets to the splits of a run; examples that cannot be used stop it or are skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tfft.data.choices import Sampling
from tfft.data.examples import Examples, Splits
from tfft.data.records import LEAK, Record
from tfft.data.splitting import audit
from tfft.data.targets import Targets
from tfft.errors import DataError, counted, listed

Bad = Literal["auto", "skip", "stop"]
"""Examples that cannot be used: skip them if they are at most 1 in `MOST_BAD`, skip them, or stop."""
MOST_BAD = 100

FLAGS = {"picture": "--bad-files", "text": "--bad-texts"}
"""By kind of example, the flag that skips unusable ones."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of all splits, after reading."""

    kind: type[Examples]
    of: Callable[[Sequence[int]], Mapping[str, Any]]
    """From positions of records to those fields of `kind` that other kinds of examples lack."""
    why: Mapping[int, str]
    """Why a record cannot be used, by its position."""
    bad: Bad
    """What to do with records that cannot be used."""
    notes: Sequence[str] = ()
    """Notes for the person, one sentence each."""


def by_split(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """The records of all splits, train first, and those that are left out as leaks."""
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    return rows, [record for record in records if record.split == LEAK]


def assemble(
    rows: Sequence[Record], leaks: Sequence[Record], targets: Targets, inputs: Inputs, *, sampling: Sampling
) -> Splits:
    """Returns the splits of a run.

    Args:
        rows: The records of all splits, train first.
        leaks: The records that are left out because another split has them, too.
        targets: The targets of the rows.
        inputs: The inputs of the rows.
        sampling: What an epoch shows, see `Splits`.

    Raises:
        DataError: If records cannot be used, naming each of them, or if a class has no usable record left.
    """
    noun = inputs.kind.noun.removesuffix("s")
    why = {**inputs.why, **targets.failed}
    skipped = [(rows[index].where, why[index]) for index in sorted(why)]
    many = len(skipped) * MOST_BAD > len(rows)
    if skipped and (inputs.bad == "stop" or (inputs.bad == "auto" and many)):
        reasons = listed((f"{where} ({reason})" for where, reason in skipped), most=len(skipped))
        raise DataError(
            f"{len(skipped):,} of {counted(len(rows), noun)} cannot be used"
            f"{f', more than 1 in {MOST_BAD}' if many else ''}: {reasons}",
            fix=f"Repair or remove them, or skip them with `{FLAGS[noun]} skip`",
        )
    splits = {}
    for name in ("train", "val", "test"):
        before = [index for index, record in enumerate(rows) if record.split == name]
        after = [index for index in before if index not in why]
        splits[name] = inputs.kind(
            **inputs.of(after),
            targets=targets.of(after),
            ids=[rows[position].digest for position in after],
            where=[rows[position].where for position in after],
            counts=targets.counts(after),
            rarity=targets.rarity(after),
        )
        _check_remaining(name, targets, before, after, noun)
    _check_trained(splits, targets.labels, noun)
    notes = [
        *inputs.notes,
        *_skipped(skipped, len(rows), noun),
        *_leaks(leaks, noun),
        *_contradictions(rows, noun),
        *targets.notes,
        *_written_alike(targets.labels),
        *_missing(splits, targets.labels, noun),
        *_single(splits["train"], targets.labels, noun),
    ]
    test = splits["test"] if len(splits["test"]) else None
    skipped += [(record.where, "also in another split") for record in leaks]
    return Splits(splits["train"], splits["val"], test, targets.labels, notes, skipped, sampling=sampling)


def _skipped(skipped: Sequence[tuple[str, str]], count: int, noun: str) -> list[str]:
    if not skipped:
        return []
    first = listed((f"{where} ({reason})" for where, reason in skipped), most=3)
    return [f"{len(skipped):,} of {counted(count, noun)} cannot be used and were skipped (see skipped.csv): {first}"]


def _leaks(leaks: Sequence[Record], noun: str) -> list[str]:
    if not leaks:
        return []
    first = listed((record.where for record in leaks), most=3)
    what = f"{counted(len(leaks), noun)} left out because val or test has the same, a near-duplicate or the same group"
    return [f"{what} (see skipped.csv): {first}"]


def _check_remaining(name: str, targets: Targets, before: Sequence[int], after: Sequence[int], noun: str) -> None:
    """Raises `DataError` if a split loses all examples of a class: its scores would ignore that class."""
    counts = zip(targets.labels, targets.counts(before), targets.counts(after), strict=True)
    if lost := [label for label, all_examples, usable in counts if all_examples and not usable]:
        raise DataError(
            f"The {name} split has no usable {noun} of {listed(map(repr, lost))}",
            fix=f"Add {noun}s, or remove the class",
        )
    if before and not after:
        raise DataError(
            f"None of the {len(before):,} {noun}s of the {name} split can be used", fix="Repair them, or add others"
        )


def _check_trained(splits: Mapping[str, Examples], labels: Sequence[str], noun: str) -> None:
    """Raises `DataError` if a class has no training examples; the classes of masks are known only after decoding."""
    for name in ("val", "test"):
        counts = zip(labels, splits["train"].counts, splits[name].counts, strict=True)
        if unknown := [label for label, trained, scored in counts if scored and not trained]:
            raise DataError(
                f"There is no training {noun} of {listed(map(repr, unknown))}; only the {name} split has any",
                fix=f"Try another `--seed`, or choose the training {noun}s yourself",
            )


def _written_alike(labels: Sequence[str]) -> list[str]:
    return [
        f"{listed(map(repr, names))} differ only in letter case or spaces, but are separate classes"
        for names in audit.written_alike(labels)
    ]


def _missing(splits: Mapping[str, Examples], labels: Sequence[str], noun: str) -> list[str]:
    """Notes on classes that a split lacks, so that its scores ignore them."""
    return [
        f"{name} has no {noun} of {listed(lost, most=5)}"
        for name, examples in splits.items()
        if any(examples.counts)
        and (lost := [label for label, count in zip(labels, examples.counts, strict=True) if not count])
    ]


def _single(train: Examples, labels: Sequence[str], noun: str) -> list[str]:
    """A note on classes that can hardly be learned."""
    once = [label for label, count in zip(labels, train.counts, strict=True) if count == 1]
    return [f"train has only one {noun} of {listed(map(repr, once), most=5)}"] if once else []


def _contradictions(rows: Sequence[Record], noun: str) -> list[str]:
    duplicates = audit.contradictions(rows)
    if not duplicates:
        return []
    return [f"{counted(len(duplicates), f'duplicate {noun}')} with conflicting labels: {listed(duplicates, most=3)}"]
