from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfft.data import Label, Record, read_texts, usable_texts
from tfft.data.texts import text_digested
from tfft.errors import ConfigError, DataError


class Words:
    """A tokenizer whose tokens are the lengths of words, between 1 and 2."""

    longest = 32
    edges = ([1], [2])
    unknown = 29  # a word of twenty letters
    special = frozenset({1, 2, 28})  # a word of nineteen

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [np.array([9 + len(word) for word in text.split()], np.int32) for text in texts]

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        packed = np.zeros((len(tokens), length), np.int32)
        for row, one in zip(packed, tokens, strict=True):
            whole = [1, *one[: length - 2], 2]
            row[: len(whole)] = whole
        return packed


def records(texts: Sequence[str | bytes], split: str = "train") -> list[Record]:
    return text_digested(
        [
            Record(t if isinstance(t, bytes) else t.encode(), Label("ab"[n % 2]), where=f"row {n}", split=split)
            for n, t in enumerate(texts)
        ]
    )


VAL = records(["v a l", "v a l u e"], "val")


def test_texts_become_tokens_of_one_length_with_their_widths() -> None:
    splits = read_texts(records(["one two", "a " * 20, "x", "y"]) + VAL, Words())
    assert splits.train.inputs.dtype == np.int32
    assert splits.train.inputs.shape == (4, 24)  # 22 tokens, and a multiple of 8
    assert splits.train.inputs[0, :5].tolist() == [1, 12, 12, 2, 0]
    assert splits.train.widths.tolist() == [8, 24, 8, 8]
    assert splits.train.texts[0] == "one two"
    assert splits.labels == ["a", "b"]
    assert "0 of 6 texts are longer than 24 tokens" in splits.notes


def test_the_length_leaves_99_of_100_whole_and_says_what_was_cut() -> None:
    splits = read_texts(records(["one two three"] * 399 + ["a " * 500]) + VAL, Words())
    assert splits.train.inputs.shape[1] == 8
    assert splits.train.inputs[-1].tolist() == [1, 10, 10, 10, 10, 10, 10, 2]
    assert splits.train.widths.max() == 8
    assert any("1 of 402 texts are longer than 8 tokens and were cut (19" in note for note in splits.notes)


def test_a_length_of_ones_own() -> None:
    assert read_texts(records(["one two", "x"]) + VAL, Words(), length=20).train.inputs.shape == (2, 20)
    assert read_texts(records(["a " * 99, "a " * 99]) + VAL, Words()).train.inputs.shape == (2, 32)
    with pytest.raises(ConfigError, match=r"32 tokens at most.*--length 32"):
        read_texts(records(["one", "x"]) + VAL, Words(), length=33)


def test_texts_that_cannot_be_used_are_all_named_or_left_out() -> None:
    some = records(["fine", "good", "more", "words", " \n", b"\xff\xfe\x00"]) + VAL
    with pytest.raises(DataError, match=r"2 that do not: row 4 \(empty\), row 5 \(not UTF-8: byte 0\).*--bad-t"):
        read_texts(some, Words())
    splits = read_texts(some, Words(), bad_texts="skip")
    assert len(splits.train) == 4
    assert splits.skipped == [("row 4", "empty"), ("row 5", "not UTF-8: byte 0")]
    assert "2 texts left out, see skipped.csv" in splits.notes


@pytest.mark.parametrize(
    ("text", "why"),
    [("\u200b\u200d\ufeff", "empty"), ("\x01 \x1b", "empty"), ("\u202e", "empty"), ("?", "nothing that the tokenizer")],
)
def test_texts_without_a_word_are_left_out(text: str, why: str) -> None:
    class Deaf(Words):
        def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
            return super().tokenize([one.replace("?", "") for one in texts])

    splits = read_texts(records(["fine", "good", text, "more"]) + VAL, Deaf(), bad_texts="skip")
    ((where, said),) = splits.skipped
    assert where == "row 2"
    assert said.startswith(why)


def test_a_text_that_is_not_looked_at_as_a_whole_is_counted() -> None:
    splits = read_texts(records(["a" * 200_001, "x"]) + VAL, Words())
    assert "Of 1 texts only the first 200000 characters were looked at" in splits.notes


def test_the_texts_that_hold_one(tmp_path: Path) -> None:
    gone = Record(tmp_path / "gone.txt", Label("a"), where="gone")
    assert list(usable_texts([*records(["one", " ", b"\xff", "two"]), gone])) == ["one", "two"]


def test_one_text_with_two_labels_is_noted() -> None:
    twice = records(["same", "same", "x", "y"])
    assert any("described in two ways: row 0 = row 1" in note for note in read_texts(twice + VAL, Words()).notes)


def test_a_byte_order_mark_is_no_text() -> None:
    marked = [replace(r, content=b"\xef\xbb\xbf" + r.content) for r in records(["one", "two"])]
    assert read_texts(marked + VAL, Words()).train.texts.tolist() == ["one", "two"]


def test_a_vocabulary_of_another_language_is_noticed() -> None:
    strange = records(["a" * 20, "b " + "a" * 20, "c", "d"])
    assert "40.0% of the tokens of texts are not in the vocabulary of the network" in read_texts(strange, Words()).notes


def test_texts_that_hold_special_tokens_are_counted() -> None:
    marked = records(["a " + "b" * 19 + " " + "b" * 19, "b" * 19, "c", "d"])
    said = "2 of 4 texts hold a special token of the network, such as its end of a text"
    assert said in read_texts(marked, Words()).notes
    assert not any("special token" in note for note in read_texts(records(["a", "b"]), Words()).notes)
