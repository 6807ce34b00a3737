from __future__ import annotations

import re
from collections import Counter

import pytest

from tfft.data.demo.phrases import BAD, GOOD, SIZES, Pair, Review, pairs, reviews


@pytest.fixture(scope="module")
def every_review() -> list[Review]:
    return reviews()


@pytest.fixture(scope="module")
def every_pair() -> list[Pair]:
    return pairs()


def test_splits_and_labels(every_review: list[Review], every_pair: list[Pair]) -> None:
    for made in (every_review, every_pair):
        assert Counter(one.split for one in made) == SIZES
    assert len({one.text for one in every_review}) == len({one.source for one in every_pair}) == sum(SIZES.values())
    labels = Counter(one.label for one in every_review)
    assert set(labels) == {"negative", "positive"}
    assert min(labels.values()) > 0.45 * sum(SIZES.values())


def test_the_same_each_time_and_others_with_another_seed(
    every_review: list[Review], every_pair: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "train", 20)
    for make, before in ((reviews, every_review), (pairs, every_pair)):
        assert make()[:20] == before[:20]
        assert make(seed=1)[:20] != before[:20]


def test_what_is_said_last_decides(every_review: list[Review]) -> None:
    """Reads the label off the text again, by another way than it was made."""
    for one in every_review:
        denied, word = re.findall(r"is (not )?([a-z-]+)", one.text.partition(".")[0])[-1]
        assert word in GOOD + BAD
        assert one.label == ("positive" if (word in GOOD) != bool(denied) else "negative"), one.text


def test_counting_words_is_not_enough(every_review: list[Review]) -> None:
    weights = dict.fromkeys(GOOD, 1) | dict.fromkeys(BAD, -1)
    right = sum(
        (sum(weights.get(word, 0) for word in re.findall(r"[a-z-]+", one.text)) > 0) == (one.label == "positive")
        for one in every_review
    )
    assert right < 0.7 * sum(SIZES.values())


def test_half_past_is_half_of_the_next_hour(every_pair: list[Pair]) -> None:
    found = {one.source.split(" at ")[1]: one.target.split(" um ")[1] for one in every_pair}
    assert found["half past four."] == "halb fünf."
    assert found["half past twelve."] == "halb eins."
    assert found["one o'clock."] == "ein Uhr."
    assert found["a quarter to one."] == "Viertel vor eins."
