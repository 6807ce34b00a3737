from __future__ import annotations

import pytest

from tfft.evaluation import summary_scores, translation_scores

SAID = ["the cat sat on the mat today", "a dog ran fast in the park"]


def test_what_is_equal_to_a_reference_has_the_full_score() -> None:
    found = translation_scores(SAID, [[SAID[0]], [SAID[1]]])
    assert found == {"bleu": pytest.approx(100), "chrf": pytest.approx(100)}
    assert summary_scores(SAID, [["x", SAID[0]], [SAID[1], "y z"]]) == {
        name: pytest.approx(100) for name in ("rouge1", "rouge2", "rougeL")
    }


def test_texts_may_have_different_numbers_of_references() -> None:
    one = translation_scores(SAID, [["other words here"], [SAID[1]]])
    two = translation_scores(SAID, [["other words here", SAID[0]], [SAID[1]]])
    assert one["bleu"] < two["bleu"] == pytest.approx(100)


def test_the_nearest_reference_counts_and_stems_are_compared() -> None:
    found = summary_scores(["dogs running"], [["a cat", "dog runs"]])
    assert found["rouge1"] == pytest.approx(100)
    assert summary_scores([""], [["a cat"]])["rouge1"] == 0
