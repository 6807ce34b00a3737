from __future__ import annotations

import numpy as np

from tfft.models import learn_subwords
from tfft.models.subwords import END, PAD, START

TEXTS = ["Ein Hund läuft, sagt er.", "Zwei Hunde laufen.", "Die Katze schläft im Haus."] * 20


def test_texts_become_pieces_and_texts_again() -> None:
    pieces = learn_subwords(TEXTS, 100)
    assert pieces.size <= 100
    tokens = pieces.tokenize(["Ein Hund schläft, sagt er.", ""])
    packed = pieces.pack(tokens, 40)
    assert packed[1].tolist() == [START, END] + [PAD] * 38
    assert pieces.texts(packed) == ["Ein Hund schläft, sagt er.", ""]
    assert (packed[0] != PAD).sum() < 27  # pieces are longer than letters


def test_the_same_texts_give_the_same_pieces() -> None:
    one, other = (learn_subwords(TEXTS, 60).tokenizer.proto for _ in range(2))
    assert one == other


def test_what_comes_after_the_end_is_no_text() -> None:
    pieces = learn_subwords(TEXTS, 60)
    (row,) = pieces.pack(pieces.tokenize(["Zwei Hunde"]), 20)
    behind = np.concatenate([row[row != PAD], row[1:4]])
    assert pieces.texts(behind[None]) == ["Zwei Hunde"]
