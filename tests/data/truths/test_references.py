from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from tfft.data import Record, References, Splits, read_texts
from tfft.data.sources.text_files import text_digested
from tfft.data.targets import Form
from tfft.errors import DataError


class Letters:
    """A tokenizer whose tokens are letters, between 2 and 3."""

    longest = 64
    edges = ([2], [3])
    unknown = None
    special = frozenset({2, 3, ord("#")})

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.array([ord(letter) for letter in text], np.int32) for text in texts]

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        rows = np.zeros((len(tokens), length), np.int32)
        for row, one in zip(rows, tokens, strict=True):
            whole = [2, *one[: length - 2], 3]
            row[: len(whole)] = whole
        return rows


def records(*pairs: tuple[str, tuple[str, ...]]) -> list[Record]:
    made = [
        Record(text.encode(), References(texts), where=f"row {n}", split="train")
        for n, (text, texts) in enumerate(pairs)
    ]
    return text_digested([*made, Record(b"val", References(("v",)), where="val", split="val")])


def read(found: list[Record], length: int | Literal["auto"] = "auto", **options: Any) -> Splits:
    return read_texts(found, Letters(), form=Form(pieces=Letters(), length=length), **options)


def test_the_first_reference_is_learned_and_all_are_kept(noted: Callable[..., bool]) -> None:
    splits = read(records(("a", ("AB", "C")), ("b", ("D",))))
    assert splits.train.targets[:, :4].tolist() == [[2, 65, 66, 3], [2, 68, 3, 0]]
    assert list(splits.train.references) == [("AB", "C"), ("D",)]
    assert splits.labels == []
    assert noted(splits, "0 of 3", "references", "8 tokens")


def test_references_that_hold_special_tokens_are_counted(noted: Callable[..., bool]) -> None:
    splits = read(records(("a", ("A#B",)), ("b", ("C",))), 8)
    assert noted(splits, "1 of 3", "references", "special token")


def test_a_text_without_a_reference_is_named_or_left_out(refused: Callable[..., None]) -> None:
    some = records(("a", ("AB",)), ("b", ()))
    refused(DataError, ("row 1", "--bad-texts"), read, some)
    splits = read(some, 8, bad_texts="skip")
    assert [where for where, _ in splits.skipped] == ["row 1"]
