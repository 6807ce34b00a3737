from __future__ import annotations

from collections import Counter

from tfft.data.notices import summaries
from tfft.data.phrases import SIZES


def test_every_notice_is_there_once_in_a_split_of_its_own() -> None:
    found = summaries()
    assert len({one.document for one in found}) == len(found) == sum(SIZES.values())
    assert Counter(one.split for one in found) == SIZES
    assert found == summaries() != summaries(seed=1)


def test_what_a_summary_says_stands_in_the_notice() -> None:
    for one in summaries():
        event = one.summary.split()[1]
        (said,) = [sentence for sentence in one.document.split(". ") if sentence.startswith(f"The {event} ")]
        for word in one.summary.removesuffix(".").split():
            assert word in said
        assert len(one.summary) < len(one.document) / 1.5
