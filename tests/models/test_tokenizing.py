from __future__ import annotations

import numpy as np
import pytest

from tfft.models.tokenizing import packed, tokenized, word_pieces

TEXTS = 20 * ["the zip is good", "the lens is not bad"]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (([1], [2]), [[1, 7, 8, 2, 9], [1, 7, 7, 7, 2], [1, 2, 9, 9, 9]]),
        (([], [2]), [[7, 8, 2, 9, 9], [7, 7, 7, 7, 2], [2, 9, 9, 9, 9]]),
        (([], []), [[7, 8, 9, 9, 9], [7, 7, 7, 7, 7], [9, 9, 9, 9, 9]]),
    ],
)
def test_rows_stand_between_their_edges_and_are_cut_in_the_middle(
    edges: tuple[list[int], list[int]], expected: list[list[int]]
) -> None:
    tokens = [np.array([7, 8], np.int32), np.full(20, 7, np.int32), np.empty(0, np.int32)]
    rows = packed(tokens, 5, edges, 9)
    assert rows.dtype == np.int32
    assert rows.tolist() == expected


def test_texts_keep_their_order_and_an_empty_one_has_no_token() -> None:
    import keras_hub

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "zip"]
    tokenizer = keras_hub.tokenizers.BertTokenizer(words, lowercase=True)
    many = ["the " * (number % 3) + "zip" for number in range(2500)] + [""]  # more than go through at once
    found = tokenized(tokenizer, many)
    assert [len(one) for one in found] == [number % 3 + 1 for number in range(2500)] + [0]
    assert found[2].tolist() == [5, 5, 6]


def test_a_vocabulary_begins_with_what_is_reserved() -> None:
    pieces = word_pieces(TEXTS, 50, reserved=["[PAD]", "[UNK]"], lowercase=True)
    assert pieces[:2] == ["[PAD]", "[UNK]"]
    assert "the" in pieces
    assert len(pieces) <= 50
