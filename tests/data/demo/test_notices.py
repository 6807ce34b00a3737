from __future__ import annotations

from collections import Counter

import pytest

from tfft.data.demo.notices import Summary, summaries
from tfft.data.demo.phrases import SIZES


@pytest.fixture(scope="module")
def notices() -> list[Summary]:
    return summaries()


def test_every_notice_is_there_once_in_a_split_of_its_own(notices: list[Summary]) -> None:
    assert len({one.document for one in notices}) == len(notices) == sum(SIZES.values())
    assert Counter(one.split for one in notices) == SIZES


def test_they_are_the_same_each_time_and_others_with_another_seed(
    notices: list[Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "train", 20)
    assert summaries()[:20] == notices[:20]
    assert summaries(seed=1)[:20] != notices[:20]


def test_what_a_summary_says_stands_in_the_notice(notices: list[Summary]) -> None:
    for one in notices:
        event = one.summary.split()[1]
        (said,) = [sentence for sentence in one.document.split(". ") if sentence.startswith(f"The {event} ")]
        for word in one.summary.removesuffix(".").split():
            assert word in said
        assert len(one.summary) < len(one.document) / 1.5
