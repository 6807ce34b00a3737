"""What is assembled from pictures is tested in `test_pictures`, from texts in `test_tokens`; here what both share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfft.data import Label, Record, Splits, Texts
from tfft.data.reading.assembling import Inputs, assemble
from tfft.data.targets import Form
from tfft.errors import DataError


def inputs_of(positions: Sequence[int]) -> Mapping[str, Any]:
    return {"inputs": np.zeros((len(positions), 4), np.int32), "widths": np.full(len(positions), 4)}


def test_what_is_missing_is_called_what_it_is(refused: Callable[..., None]) -> None:
    rows = [
        Record(b"", Label(name), where=f"{split} {name}", split=split, digest=f"{split} {name}")
        for split in ("train", "val")
        for name in "abc"
    ]
    targets = Label.targets(rows, Form())

    def together(why: dict[int, str], bad: str = "skip") -> object:
        return assemble(rows, [], targets, Inputs(Texts, inputs_of, why, bad), sampling="all")

    assert len(together({}).train) == 3
    refused(DataError, ("text", "val", "b"), together, {4: "empty"})
    refused(DataError, ("val b", "empty", "--bad-texts"), together, {4: "empty"}, "stop")


def test_classes_that_are_written_alike_are_told() -> None:
    rows = [
        Record(b"", Label(name), where=f"{split} {name}", split=split, digest=f"{split} {name}")
        for split in ("train", "val")
        for name in ("Red ant", "bee", "red  Ant", "redant")
    ]
    targets = Label.targets(rows, Form())
    splits = assemble(rows, [], targets, Inputs(Texts, inputs_of, {}, "stop"), sampling="all")
    note, single = splits.notes
    assert single == "train has only one text of 'Red ant', 'bee', 'red  Ant', 'redant'"
    assert "'Red ant'" in note
    assert "'red  Ant'" in note
    assert "'redant'" not in note


def test_one_in_a_hundred_may_be_bad(noted: Callable[..., bool], refused: Callable[..., None]) -> None:
    rows = [
        Record(b"", Label("ab"[n % 2]), where=f"{split} {n}", split=split, digest=f"{split} {n}")
        for split, count in (("train", 150), ("val", 50))
        for n in range(count)
    ]
    targets = Label.targets(rows, Form())

    def together(count: int, bad: str = "auto") -> Splits:
        why = dict.fromkeys(range(7, 7 + count), "empty")
        return assemble(rows, [], targets, Inputs(Texts, inputs_of, why, bad), sampling="all")

    two = together(2)
    assert [where for where, _ in two.skipped] == ["train 7", "train 8"]
    assert len(two.train) == 148
    assert noted(two, "2 of 200", "train 7", "empty", "skipped.csv")
    refused(DataError, ("3 of 200", "1 in 100", "train 9", "--bad-texts skip"), together, 3)
    refused(DataError, ("1 of 200", "train 7"), together, 1, "stop")
    assert len(together(3, "skip").train) == 147
