from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from tfft.errors import ConfigError
from tfft.evaluation import best_temperature, best_thresholds, calibration_error, classes_of
from tfft.evaluation.calibration import confidence, prior_shift, reliability
from tfft.evaluation.decisions import best_threshold, check_decisions, class_thresholds, wanted_shares
from tfft.evaluation.settings import PriorFields

RNG = np.random.default_rng(0)


def squashed(logits: np.ndarray, *, labels: bool) -> np.ndarray:
    return 1 / (1 + np.exp(-logits)) if labels else softmax(logits, axis=1)


def test_the_error_is_how_far_probabilities_are_from_what_happens() -> None:
    sure = np.repeat([0.95, 0.55], 100)
    right = np.r_[np.ones(90), np.zeros(10), np.ones(50), np.zeros(50)].astype(bool)
    assert calibration_error(sure, right) == pytest.approx(0.05)
    means, shares, counts = reliability(sure, right)
    assert means == pytest.approx([0.55, 0.95])
    assert shares == pytest.approx([0.5, 0.9])
    assert counts.tolist() == [100, 100]
    assert calibration_error(np.ones(3), np.ones(3, bool)) == 0


@pytest.mark.parametrize("labels", [False, True])
def test_a_temperature_that_was_planted_is_recovered(labels: bool) -> None:
    logits = RNG.normal(0, 2, (4000, 3))
    true = squashed(logits, labels=labels)
    truth = (RNG.random(true.shape) < true) if labels else (RNG.random((4000, 1)) > true.cumsum(axis=1)).sum(axis=1)
    said = squashed(2.5 * logits, labels=labels)  # too sure
    found = best_temperature(truth.astype(int), said)
    assert found == pytest.approx(2.5, rel=0.1)
    mended = squashed(2.5 / found * logits, labels=labels)
    before, after = (calibration_error(*confidence(truth.astype(int), some)) for some in (said, mended))
    assert after < 0.02 < before


def test_a_prior_moves_the_odds_by_their_ratio() -> None:
    before = np.array([[0.5, 0.3, 0.2]])
    now, wanted = np.array([0.5, 0.25, 0.25]), np.full(3, 1 / 3)
    after = softmax(np.log(before) + prior_shift(now, wanted), axis=1)
    expected = before * wanted / now
    assert after == pytest.approx(expected / expected.sum(), rel=1e-6)


TRUTH = np.array([1, 1, 1, 0, 1, 0, 0, 0], bool)
CHANCES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [("f1", 0.45), ("recall>=1", 0.45), ("recall>=0.75", 0.65), ("precision>=1.0", 0.65), ("precision >= 0.8", 0.45),
     ("0.3", 0.3)],
)  # fmt: skip
def test_a_threshold_reaches_what_is_wanted_and_no_more(rule: str, threshold: float) -> None:
    assert best_threshold(rule, TRUTH, CHANCES, "spam") == pytest.approx(threshold)


def test_what_cannot_be_reached_is_said(caplog: pytest.LogCaptureFixture) -> None:
    assert best_threshold("precision>=0.9", ~TRUTH, CHANCES, "spam") == pytest.approx(0.1)
    assert "0.5" in caplog.text
    assert best_threshold("recall>=0.9", np.zeros(8, bool), CHANCES, "spam") == 0.5


def test_two_classes_are_decided_by_the_threshold_of_the_positive_one() -> None:
    rows = np.column_stack([1 - CHANCES, CHANCES])
    for positive in (0, 1):
        truth = TRUTH.astype(int) if positive else 1 - TRUTH.astype(int)
        given = rows if positive else rows[:, ::-1]
        cuts = class_thresholds("recall>=0.75", positive, truth, given, ["ham", "spam"])
        assert cuts[1 - positive] == 0
        assert (classes_of(given, cuts) == positive).tolist() == (CHANCES > 0.65).tolist()
    assert classes_of(rows).tolist() == (CHANCES > 0.5).astype(int).tolist()
    assert best_thresholds(TRUTH[:, None], CHANCES[:, None], ["spam"], "recall>=0.75") == pytest.approx([0.65])


@pytest.mark.parametrize("rule", ["recall>=1.5", "recall>=0", "f2", "1", "nan", "recall>=", "-0.2"])
def test_a_rule_that_is_none(rule: str) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        check_decisions(PriorFields(threshold=rule), ["ham", "spam"], tags=False)


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"threshold": "f1"}, "two classes"), ({"positive": "dog"}, "dog"), ({"prior": '{"ant": 1}'}, "every class"),
     ({"prior": "[1"}, "prior"), ({"prior": '{"ant": 1, "bee": 1, "cat": 0}'}, "in a million"),
     ({"prior": "[[" * 9000}, "prior")],
)  # fmt: skip
def test_settings_that_do_not_fit_the_classes(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        check_decisions(PriorFields(**fields), ["ant", "bee", "cat"], tags=False)


def test_shares_of_every_kind() -> None:
    assert wanted_shares("train", ["ant", "bee"]) is None
    assert wanted_shares("equal", ["ant", "bee"]).tolist() == [0.5, 0.5]
    assert wanted_shares('{"bee": 3, "ant": 1}', ["ant", "bee"]).tolist() == [0.25, 0.75]
