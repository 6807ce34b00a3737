from __future__ import annotations

import re
from collections import Counter

from tfft.data.phrases import BAD, GOOD, SIZES, pairs, reviews


def test_splits_and_labels() -> None:
    for made in (reviews(), pairs()):
        assert Counter(one.split for one in made) == SIZES
    assert len({one.text for one in reviews()}) == len({one.source for one in pairs()}) == sum(SIZES.values())
    labels = Counter(one.label for one in reviews())
    assert set(labels) == {"negative", "positive"}
    assert min(labels.values()) > 0.45 * sum(SIZES.values())


def test_the_same_each_time_and_others_with_another_seed() -> None:
    assert reviews() == reviews() != reviews(seed=1)
    assert pairs() == pairs() != pairs(seed=1)


def test_what_is_said_last_decides() -> None:
    """Reads the label off the text again, by another way than it was made."""
    for one in reviews():
        denied, word = re.findall(r"is (not )?([a-z-]+)", one.text.partition(".")[0])[-1]
        assert word in GOOD + BAD
        assert one.label == ("positive" if (word in GOOD) != bool(denied) else "negative"), one.text


def test_counting_words_is_not_enough() -> None:
    weights = dict.fromkeys(GOOD, 1) | dict.fromkeys(BAD, -1)
    right = sum(
        (sum(weights.get(word, 0) for word in re.findall(r"[a-z-]+", one.text)) > 0) == (one.label == "positive")
        for one in reviews()
    )
    assert right < 0.7 * sum(SIZES.values())


def test_half_past_is_half_of_the_next_hour() -> None:
    found = {one.source.split(" at ")[1]: one.target.split(" um ")[1] for one in pairs()}
    assert found["half past four."] == "halb fünf."
    assert found["half past twelve."] == "halb eins."
    assert found["one o'clock."] == "ein Uhr."
    assert found["a quarter to one."] == "Viertel vor eins."
