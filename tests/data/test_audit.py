from __future__ import annotations

from dataclasses import replace

import pytest

from tfft.data import Label, Record, audit
from tfft.data.records import digested
from tfft.errors import DataError


def record(content: bytes, label: str = "a", split: str | None = None, group: str | None = None) -> Record:
    where = f"{label}/{content.decode()}"
    return digested([Record(content=content, truth=Label(label), where=where, split=split, group=group)])[0]


def test_a_picture_under_two_labels_is_listed() -> None:
    found = audit.contradictions([record(b"1", "ant"), record(b"1", "bee"), record(b"2", "ant"), record(b"2", "ant")])
    assert found == ["ant/1 = bee/1"]


def test_equal_examples_in_two_splits_are_a_leak() -> None:
    leak = [record(b"1", split="train"), record(b"1", "b", split="test")]
    leak += [record(b"2", split="train"), record(b"2", "b", split="val")]
    said = r"2 in several: a/1 \(train\) = b/1 \(test\), a/2 \(train\) = b/2 \(val\).*--leaks accept"
    with pytest.raises(DataError, match=said):
        audit.check_leaks(leak)
    audit.check_leaks([replace(r, split="train") for r in leak])


def test_a_group_in_two_splits_is_a_leak() -> None:
    with pytest.raises(DataError, match="1 in several: 'p' in test and train"):
        audit.check_leaks([record(b"1", split="train", group="p"), record(b"2", split="test", group="p")])


def test_nothing_at_all() -> None:
    with pytest.raises(DataError, match="none in here"):
        audit.check_classes([], "here")
