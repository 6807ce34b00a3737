from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tfft.data import Label, Record
from tfft.data.records import digested
from tfft.data.splitting import audit
from tfft.data.splitting.leaks import check_leaks
from tfft.errors import DataError


def record(content: bytes, label: str = "a", split: str | None = None, group: str | None = None) -> Record:
    where = f"{label}/{content.decode()}"
    return digested([Record(content=content, truth=Label(label), where=where, split=split, group=group)])[0]


def test_a_picture_under_two_labels_is_listed() -> None:
    found = audit.contradictions([record(b"1", "ant"), record(b"1", "bee"), record(b"2", "ant"), record(b"2", "ant")])
    assert found == ["ant/1 = bee/1"]


def test_equal_examples_in_two_splits_are_a_leak(refused: Callable[..., None]) -> None:
    leak = [record(b"1", split="train"), record(b"1", "b", split="test")]
    leak += [record(b"2", split="train"), record(b"2", "b", split="val")]
    refused(DataError, ("a/1", "b/1", "test", "a/2", "b/2", "val", "--leaks"), check_leaks, leak)
    check_leaks([replace(r, split="train") for r in leak])


def test_a_group_in_two_splits_is_a_leak(refused: Callable[..., None]) -> None:
    leak = [record(b"1", split="train", group="p"), record(b"2", split="test", group="p")]
    refused(DataError, ("'p'", "test", "train"), check_leaks, leak)


def test_nothing_at_all(refused: Callable[..., None]) -> None:
    refused(DataError, "here", audit.check_classes, [], "here")
