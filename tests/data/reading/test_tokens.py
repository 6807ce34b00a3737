from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfft.data import Label, Record, read_texts, usable_texts
from tfft.data.sources.text_files import text_digested
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


Noted = Callable[..., bool]
VAL = records(["v a l", "v a l u e"], "val")


def test_texts_become_tokens_of_one_length_with_their_widths(noted: Noted) -> None:
    splits = read_texts(records(["one two", "a " * 20, "x", "y"]) + VAL, Words())
    assert splits.train.inputs.dtype == np.int32
    assert splits.train.inputs.shape == (4, 24)  # 22 tokens, and a multiple of 8
    assert splits.train.inputs[0, :5].tolist() == [1, 12, 12, 2, 0]
    assert splits.train.widths.tolist() == [8, 24, 8, 8]
    assert splits.train.texts[0] == "one two"
    assert splits.labels == ["a", "b"]
    assert noted(splits, "0 of 6", "24 tokens")


def test_the_length_leaves_99_of_100_whole_and_says_what_was_cut(noted: Noted) -> None:
    splits = read_texts(records(["one two three"] * 399 + ["a " * 500]) + VAL, Words())
    assert splits.train.inputs.shape[1] == 8
    assert splits.train.inputs[-1].tolist() == [1, 10, 10, 10, 10, 10, 10, 2]
    assert splits.train.widths.max() == 8
    assert noted(splits, "1 of 402", "8 tokens", "(19")


def test_a_length_of_ones_own(refused: Callable[..., None]) -> None:
    assert read_texts(records(["one two", "x"]) + VAL, Words(), length=20).train.inputs.shape == (2, 20)
    assert read_texts(records(["a " * 99, "a " * 99]) + VAL, Words()).train.inputs.shape == (2, 32)
    refused(ConfigError, ("33", "--length 32"), lambda: read_texts(records(["one", "x"]) + VAL, Words(), length=33))


def test_texts_that_cannot_be_used_are_all_named_or_left_out(refused: Callable[..., None], noted: Noted) -> None:
    some = records(["fine", "good", "more", "words", " \n", b"\xff\xfe\x00"]) + VAL
    refused(DataError, ("2", "row 4", "empty", "row 5", "UTF-8", "--bad-texts"), read_texts, some, Words())
    splits = read_texts(some, Words(), bad_texts="skip")
    assert len(splits.train) == 4
    assert [where for where, _ in splits.skipped] == ["row 4", "row 5"]
    assert noted(splits, "2", "skipped.csv")


def test_texts_without_a_word_are_left_out() -> None:
    class Deaf(Words):
        def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
            return super().tokenize([one.replace("?", "") for one in texts])

    for text, why in (("\u200b\u200d\ufeff", "empty"), ("\x01 \x1b", "empty"), ("\u202e", "empty"), ("?", "tokenizer")):
        splits = read_texts(records(["fine", "good", text, "more"]) + VAL, Deaf(), bad_texts="skip")
        ((where, said),) = splits.skipped
        assert where == "row 2"
        assert why in said


def test_a_text_that_is_not_looked_at_as_a_whole_is_counted(noted: Noted) -> None:
    splits = read_texts(records(["a" * 200_001, "x"]) + VAL, Words())
    assert noted(splits, "1", "200000")


def test_the_texts_that_hold_one(tmp_path: Path) -> None:
    gone = Record(tmp_path / "gone.txt", Label("a"), where="gone")
    assert list(usable_texts([*records(["one", " ", b"\xff", "two"]), gone])) == ["one", "two"]


def test_one_text_with_two_labels_is_noted(noted: Noted) -> None:
    twice = records(["same", "same", "x", "y"])
    assert noted(read_texts(twice + VAL, Words()), "1", "row 0", "row 1")


def test_a_byte_order_mark_is_no_text() -> None:
    marked = [replace(r, content=b"\xef\xbb\xbf" + r.content) for r in records(["one", "two"])]
    assert read_texts(marked + VAL, Words()).train.texts.tolist() == ["one", "two"]


def test_a_vocabulary_of_another_language_is_noticed(noted: Noted) -> None:
    strange = records(["a" * 20, "b " + "a" * 20, "c", "d"])
    assert noted(read_texts(strange, Words()), "40.0%", "vocabulary")


def test_texts_that_hold_special_tokens_are_counted(noted: Noted) -> None:
    marked = records(["a " + "b" * 19 + " " + "b" * 19, "b" * 19, "c", "d"])
    assert noted(read_texts(marked, Words()), "2 of 4", "special token")
    assert not noted(read_texts(records(["a", "b"]), Words()), "special token")
