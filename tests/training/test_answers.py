from __future__ import annotations

import numpy as np

from tfft.data import Examples, Splits
from tfft.training import answer_splits


def examples(count: int, seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 9, (count, 24)).astype(np.int32)
    names = [str(number) for number in range(count)]
    return Examples(tokens, tokens, names, names, widths=rng.choice([8, 16, 24], count))


def test_answers_come_in_the_order_of_their_texts() -> None:
    splits = Splits(examples(9, 0), examples(70, 1), examples(5, 2), [])
    asked = []

    def answer(tokens: np.ndarray) -> np.ndarray:
        asked.append(tokens.shape)
        return tokens[:, :8]

    found = answer_splits(answer, lambda rows: [str(row.tolist()) for row in rows], splits)
    assert list(found) == ["val", "test"]
    assert found["val"] == [str(row[:8].tolist()) for row in splits.val.inputs]
    assert asked[0] == (32, 8)  # short ones are not padded to the longest of all
    assert list(answer_splits(answer, lambda rows: ["" for _ in rows], splits, ["train"])) == ["train"]
