"""Assembles examples and targets to the splits of a run; examples that cannot be used stop it or are skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tfft.data.examples import Examples, Splits
from tfft.data.records import Record
from tfft.data.splitting import audit
from tfft.data.targets import Targets
from tfft.errors import DataError, counted, listed

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
    bad: Literal["stop", "skip"]
    """What to do with records that cannot be used."""
    notes: Sequence[str] = ()
    """Notes for the person, one sentence each."""


def assemble(rows: Sequence[Record], targets: Targets, inputs: Inputs, *, balanced: bool) -> Splits:
    """Returns the splits of a run.

    Args:
        rows: The records of all splits, train first.
        targets: The targets of these records.
        inputs: The inputs of these records.
        balanced: Whether rare classes are drawn more often, see `Splits`.

    Raises:
        DataError: If records cannot be used, naming each of them, or if a class has no usable record left.
    """
    noun = inputs.kind.noun.removesuffix("s")
    why = {**inputs.why, **targets.failed}
    skipped = [(rows[index].where, why[index]) for index in sorted(why)]
    if skipped and inputs.bad == "stop":
        reasons = listed((f"{where} ({reason})" for where, reason in skipped), most=len(skipped))
        raise DataError(
            f"{counted(len(skipped), noun)} cannot be used: {reasons}",
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
        *([f"{counted(len(skipped), noun)} skipped, see skipped.csv"] if skipped else []),
        *_contradictions(rows, noun),
        *targets.notes,
        *_written_alike(targets.labels),
        *_missing(splits, targets.labels, noun),
    ]
    test = splits["test"] if len(splits["test"]) else None
    return Splits(splits["train"], splits["val"], test, targets.labels, notes, skipped, balanced=balanced)


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


def _contradictions(rows: Sequence[Record], noun: str) -> list[str]:
    duplicates = audit.contradictions(rows)
    if not duplicates:
        return []
    return [f"{counted(len(duplicates), f'duplicate {noun}')} with conflicting labels: {listed(duplicates, most=3)}"]
