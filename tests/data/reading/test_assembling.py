"""What is put together from pictures is tested in `test_reading`, from texts in `test_tokens`; here what both share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tfft.data import Label, Record
from tfft.data.reading.assembling import put_together
from tfft.errors import DataError
from tfft.store import Storage


def test_what_is_missing_is_called_what_it_is(refused: Callable[..., None]) -> None:
    rows = [
        Record(b"", Label(name), where=f"{split} {name}", split=split, digest=f"{split} {name}")
        for split in ("train", "val")
        for name in "abc"
    ]
    targets = Label.targets(rows, None, Storage())

    def together(why: dict[int, str], bad: str = "skip") -> object:
        inputs = np.zeros((6, 4), np.int32)
        return put_together(rows, targets, why, lambda p: {"inputs": inputs[p]}, bad=bad, noun="text", notes=[])

    assert len(together({}).train) == 3
    refused(DataError, ("text", "val", "b"), together, {4: "empty"})
    refused(DataError, ("val b", "empty", "--bad-texts"), together, {4: "empty"}, "stop")


def test_classes_that_are_written_alike_are_told() -> None:
    rows = [
        Record(b"", Label(name), where=f"{split} {name}", split=split, digest=f"{split} {name}")
        for split in ("train", "val")
        for name in ("Red ant", "bee", "red  Ant", "redant")
    ]
    inputs = np.zeros((8, 4), np.int32)
    targets = Label.targets(rows, None, Storage())
    splits = put_together(rows, targets, {}, lambda p: {"inputs": inputs[p]}, bad="stop", noun="text", notes=[])
    (note,) = splits.notes
    assert "'Red ant'" in note
    assert "'red  Ant'" in note
    assert "'redant'" not in note
