from __future__ import annotations

import pytest

from tfft.errors import ConfigError, NotAcceptedError
from tfft.evaluation import check_accepted, conditions_of, verdicts

SCORES = {"accuracy": 0.9, "loss": 0.3, "per_class": {}}
INTERVALS = {"accuracy": (0.87, 0.93)}


def test_conditions_are_met_surely_or_not() -> None:
    words = [
        "accuracy>=0.85",
        "accuracy > 0.88",
        "accuracy>=0.92",
        "accuracy>0.95",
        "loss<0.3",
        "loss<=0.3",
        "bleu>=20",
    ]
    found = verdicts(words, "test", SCORES, INTERVALS)
    assert [one.met for one in found] == [True, True, False, False, False, True, False]
    assert [one.sure for one in found] == [True, False, False, True, True, True, True]
    assert "0.87 to 0.93" in found[0].in_words
    assert "not surely" in found[1].in_words
    assert "no such score" in found[-1].in_words
    check_accepted(found[:2])
    with pytest.raises(NotAcceptedError, match=r"accuracy>=0\.92 on test") as failed:
        check_accepted(found)
    assert failed.value.exit_code == 7


@pytest.mark.parametrize("word", ["accuracy", "accuracy=0.9", ">=0.9", "accuracy>=high", "accuracy>=", "acuracy>=0.9"])
def test_what_is_no_condition(word: str) -> None:
    with pytest.raises(ConfigError, match="accept"):
        conditions_of([word])


def test_what_the_task_does_not_have_is_known_before_training() -> None:
    conditions_of(["accuracy>=0.9", "recall>=0.9"], "class")
    with pytest.raises(ConfigError, match="no score of this task"):
        conditions_of(["map50>=0.9"], "class")
