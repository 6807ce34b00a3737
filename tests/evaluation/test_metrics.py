from __future__ import annotations

import json

import numpy as np
import pytest

from tfft.data import Splits
from tfft.evaluation import classification, single_label_scores


def test_scores_worked_out_by_hand() -> None:
    targets = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.4, 0.6, 0.0]], np.float32)
    scores = single_label_scores(targets, probabilities, ["ant", "bee", "wasp"])
    assert scores["accuracy"] == 0.75
    assert scores["per_class"]["ant"] == pytest.approx({"precision": 1.0, "recall": 2 / 3, "f1": 0.8, "support": 3})
    assert scores["per_class"]["bee"] == pytest.approx({"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1})
    assert scores["per_class"]["wasp"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert scores["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)  # nobody spoke of wasps
    assert scores["most_confused"] == [["ant", "bee", 1]]
    assert scores["loss"] == pytest.approx(-np.log([0.9, 0.8, 0.2, 0.6]).mean())
    assert scores["confusion_matrix"] == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert json.loads(json.dumps(scores)) == scores


def test_one_answer_for_everything_is_warned_of(splits: Splits, caplog: pytest.LogCaptureFixture) -> None:
    always = np.tile(np.array([0.3, 0.7], np.float32), (7, 1))
    classification(splits, {"val": np.eye(2, dtype=np.float32)[splits.val.targets], "test": always})
    (record,) = caplog.records
    assert "test" in record.message
    assert "bee" in record.message


def test_of_many_classes_there_is_no_matrix() -> None:
    labels = [f"c{n}" for n in range(300)]
    guesses = np.full((300, 300), 1 / 300, np.float32)
    scores = single_label_scores(np.arange(300), guesses, labels)
    assert "confusion_matrix" not in scores
    assert len(scores["most_confused"]) == 50


def test_a_certain_mistake_is_still_a_number() -> None:
    scores = single_label_scores(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], np.float32), ["a", "b"])
    assert np.isfinite(scores["loss"])
