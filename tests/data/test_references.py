from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tfft.data import Record, References, read_texts, reference_targets
from tfft.data.texts import text_digested
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


def test_the_first_reference_is_learned_and_all_are_kept() -> None:
    splits = read_texts(
        records(("a", ("AB", "C")), ("b", ("D",))), Letters(), targets_of=reference_targets(Letters(), "auto")
    )
    assert splits.train.targets[:, :4].tolist() == [[2, 65, 66, 3], [2, 68, 3, 0]]
    assert list(splits.train.references) == [("AB", "C"), ("D",)]
    assert splits.labels == []
    assert "0 of 3 references are longer than 8 tokens" in splits.notes


def test_references_that_hold_special_tokens_are_counted() -> None:
    some = records(("a", ("A#B",)), ("b", ("C",)))
    splits = read_texts(some, Letters(), targets_of=reference_targets(Letters(), 8))
    assert "1 of 3 references hold a special token of the network, such as its end of a text" in splits.notes


def test_a_text_without_a_reference_is_named_or_left_out() -> None:
    some = records(("a", ("AB",)), ("b", ()))
    with pytest.raises(DataError, match=r"row 1 \(no reference\)"):
        read_texts(some, Letters(), targets_of=reference_targets(Letters(), "auto"))
    splits = read_texts(some, Letters(), bad_texts="skip", targets_of=reference_targets(Letters(), 8))
    assert splits.skipped == [("row 1", "no reference")]
