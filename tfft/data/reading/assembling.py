"""Examples and truths assembled to the splits of a run; what cannot be used is named, or left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tfft.data.examples import Examples, Splits
from tfft.data.records import Record
from tfft.data.splitting import audit
from tfft.data.targets import Targets
from tfft.errors import DataError, listed


@dataclass(frozen=True)
class Inputs:
    """What the records of all splits hold, once they are read."""

    kind: type[Examples]
    of: Callable[[Sequence[int]], Mapping[str, Any]]
    """Gives the fields of `kind` that are special to it, for the records at some positions."""
    why: Mapping[int, str]
    """By position, why a record cannot be used."""
    bad: Literal["stop", "skip"]
    """What to do with records that cannot be used."""
    notes: Sequence[str] = ()
    """What a person should know of them, one sentence each."""


def assemble(rows: Sequence[Record], targets: Targets, inputs: Inputs, *, balanced: bool) -> Splits:
    """The splits of a run.

    Args:
        rows: The records of all splits, those of train first.
        targets: Of the records.
        inputs: Of the records.
        balanced: Whether rare classes come more often, see `Splits`.

    Raises:
        DataError: Naming every record that cannot be used, or a class that has none left.
    """
    noun = inputs.kind.noun.removesuffix("s")
    why = {**inputs.why, **targets.failed}
    left_out = [(rows[index].where, why[index]) for index in sorted(why)]
    if left_out and inputs.bad == "stop":
        flag = {"picture": "--bad-files", "text": "--bad-texts"}[noun]
        whole = {
            "picture": "Every picture decodes, and what is known of it fits it",
            "text": "Every text holds words, as UTF-8, and what should be made of it is there",
        }[noun]
        raise DataError(
            whole,
            received=f"{len(left_out)} that do not: "
            + listed((f"{where} ({reason})" for where, reason in left_out), most=len(left_out)),
            fix=f"Repair or remove them, or leave them out with `{flag} skip`",
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
        _check_kept(name, targets, before, after, noun)
    _check_trained(splits, targets.labels, noun)
    notes = [
        *inputs.notes,
        *([f"{len(left_out)} {noun}s left out, see skipped.csv"] if left_out else []),
        *_contradictions(rows, noun),
        *targets.notes,
        *_alike(targets.labels),
        *_missing(splits, targets.labels, noun),
    ]
    test = splits["test"] if len(splits["test"]) else None
    return Splits(splits["train"], splits["val"], test, targets.labels, notes, left_out, balanced=balanced)


def _check_kept(name: str, targets: Targets, before: Sequence[int], after: Sequence[int], noun: str) -> None:
    """A split that loses all examples of a class cannot tell how well it is known."""
    pairs = zip(targets.labels, targets.counts(before), targets.counts(after), strict=True)
    if lost := [label for label, had, has in pairs if had and not has]:
        raise DataError(
            f"Every class keeps a {noun} in {name}",
            received=f"none that can be used for {listed(lost)}",
            fix=f"Add {noun}s, or remove the class",
        )
    if before and not after:
        raise DataError(
            f"Some {noun}s of {name} can be used", received=f"none of {len(before)}", fix="Repair them, or add others"
        )


def _check_trained(splits: Mapping[str, Examples], labels: Sequence[str], noun: str) -> None:
    """What is seen by decoding alone (masks) is not known before."""
    for name in ("val", "test"):
        pairs = zip(labels, splits["train"].counts, splits[name].counts, strict=True)
        if unknown := [label for label, trained, there in pairs if there and not trained]:
            raise DataError(
                f"Every class has training {noun}s",
                received=f"{listed(unknown)} only in {name}",
                fix=f"Try another `--seed`, or decide yourself which {noun}s are trained on",
            )


def _alike(labels: Sequence[str]) -> list[str]:
    return [f"{listed(map(repr, names))} are different classes" for names in audit.written_alike(labels)]


def _missing(splits: Mapping[str, Examples], labels: Sequence[str], noun: str) -> list[str]:
    """Classes that a split does not have, so that its scores say nothing of them."""
    return [
        f"{name} has no {noun} of {listed(lost, most=5)}"
        for name, examples in splits.items()
        if any(examples.counts)
        and (lost := [label for label, count in zip(labels, examples.counts, strict=True) if not count])
    ]


def _contradictions(rows: Sequence[Record], noun: str) -> list[str]:
    same = audit.contradictions(rows)
    return [f"{len(same)} {noun}s are described in two ways: {listed(same, most=3)}"] if same else []
