from __future__ import annotations

from dataclasses import replace

import pytest

from tfft.data import Record, audit
from tfft.errors import DataError


def record(content: bytes, label: str = "a", split: str | None = None, group: str | None = None) -> Record:
    return Record(picture=content, label=label, where=f"{label}/{content.decode()}", split=split, group=group)


def test_a_picture_under_two_labels_is_listed() -> None:
    found = audit.contradictions([record(b"1", "ant"), record(b"1", "bee"), record(b"2", "ant"), record(b"2", "ant")])
    assert found == ["ant/1 = bee/1"]


def test_equal_pictures_in_two_splits_are_a_leak() -> None:
    leak = [record(b"1", split="train"), record(b"1", "b", split="test")]
    with pytest.raises(DataError, match=r"a/1 \(train\), b/1 \(test\).*--leaks accept"):
        audit.check_leaks(leak)
    audit.check_leaks([replace(r, split="train") for r in leak])


def test_a_group_in_two_splits_is_a_leak() -> None:
    with pytest.raises(DataError, match="group 'p' in test and train"):
        audit.check_leaks([record(b"1", split="train", group="p"), record(b"2", split="test", group="p")])


def test_nothing_at_all() -> None:
    with pytest.raises(DataError, match="none in here"):
        audit.check_classes([], "here")
