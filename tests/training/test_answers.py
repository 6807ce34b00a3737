from __future__ import annotations

import numpy as np

from tfft.data import Splits, Texts
from tfft.training import answer_splits


def examples(count: int, seed: int) -> Texts:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, (count, 24)).astype(np.int32)
    names = [str(number) for number in range(count)]
    return Texts(tokens, tokens, names, names, widths=rng.choice([8, 16, 24], count))


def test_answers_come_in_the_order_of_their_texts() -> None:
    splits = Splits(examples(9, 0), examples(70, 1), examples(5, 2), [])
    asked = []

    def answer(tokens: np.ndarray) -> list[str]:
        asked.append(tokens.shape)
        return [str(row[:8].tolist()) for row in tokens]

    found = answer_splits(answer, splits)
    assert list(found) == ["val", "test"]
    assert found["val"] == [str(row[:8].tolist()) for row in splits.val.inputs]
    assert asked[0] == (32, 8)  # short ones are not padded to the longest of all
    assert list(answer_splits(answer, splits, ["train"])) == ["train"]
