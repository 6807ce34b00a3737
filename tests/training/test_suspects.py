from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from tfft.data import Splits
from tfft.models import multi_label, single_label
from tfft.training import Phase, Plan, plan_phases, store_first, suspects, witnessing
from tfft.training.ridge import STRENGTH, Ridge, left_out

HEAD = {"head": Phase(epochs=1, optimizer="lbfgs")}


def planned(network: keras.Model, splits: Splits, tags: bool) -> Plan:
    task = multi_label(splits.labels) if tags else single_label(splits.labels)
    return store_first(plan_phases(network, task, splits, HEAD, batch_size=8), None)


def with_flips(splits: Splits, flipped: dict[str, list[int]]) -> Splits:
    """Splits of clearly different classes, bright and dark, some with the wrong label."""
    parts = {}
    for name, examples in splits.items():
        truth = np.arange(len(examples)) % 2
        noise = np.random.default_rng(len(examples)).integers(0, 60, examples.inputs.shape)
        pixels = noise + 150 * truth[:, None, None, None]
        truth[flipped.get(name, [])] = 1 - truth[flipped.get(name, [])]
        parts[name] = replace(examples, inputs=pixels.astype(np.uint8), targets=truth)
    return replace(splits, **parts)


def test_labels_that_were_flipped_are_listed_first_with_what_speaks_against_them(
    network: keras.Model, splits: Splits
) -> None:
    plan = planned(network, with_flips(splits, {"train": [3, 8], "val": [1], "test": [2]}), tags=False)
    right = {name: np.eye(2)[np.arange(len(examples)) % 2] * 0.98 + 0.01 for name, examples in plan.splits.items()}
    found = suspects(plan, right)
    assert {(one.split, one.position) for one in found} == {("train", 3), ("train", 8), ("val", 1), ("test", 2)}
    assert [one.doubt for one in found] == sorted((one.doubt for one in found), reverse=True)
    for one in found:
        truth = plan.splits.labels[np.asarray(getattr(plan.splits, one.split).targets)[one.position]]
        assert one.given == truth != one.likely
        assert one.likely in one.reason
        assert one.row["example"] == one.where == getattr(plan.splits, one.split).where[one.position]


def test_nobody_is_a_witness_for_itself(network: keras.Model, splits: Splits) -> None:
    plan = planned(network, with_flips(splits, {"train": [3]}), tags=False)
    given = plan.splits.train.targets[3]
    assert plan.witnesses.votes["train"][3][given] == 0  # no other example like it has this label
    assert plan.witnesses.votes["train"][5][1 - given] >= 0.9


def test_equal_examples_with_different_labels_come_first(network: keras.Model, splits: Splits) -> None:
    flipped = with_flips(splits, {"train": [3]})
    same = replace(flipped.test, ids=[flipped.train.ids[4], *flipped.test.ids[1:]], targets=1 - flipped.test.targets)
    plan = planned(network, replace(flipped, test=same), tags=False)
    right = {name: np.eye(2)[examples.targets] * 0.98 + 0.01 for name, examples in plan.splits.items()}
    first, second, third = suspects(plan, right)
    assert [(one.split, one.position, one.given, one.likely) for one in (first, second)] == [
        ("train", 4, "ant", "bee"),
        ("test", 0, "bee", "ant"),
    ]
    assert second.where in first.reason
    assert (third.split, third.position) == ("train", 3)


def test_of_three_equal_examples_the_odd_label_is_the_wrong_one(network: keras.Model, splits: Splits) -> None:
    digest = splits.train.ids[0]
    targets = splits.train.targets.copy()
    targets[:3] = [0, 1, 0]
    same = replace(splits.train, ids=[digest] * 3 + list(splits.train.ids[3:]), targets=targets)
    plan = plan_phases(network, single_label(splits.labels), replace(splits, train=same), HEAD, batch_size=8)
    assert [(one.position, one.given, one.likely) for one in suspects(plan, {})] == [(1, "bee", "ant")]


def test_tags_that_are_missing_or_too_many(network: keras.Model, splits: Splits) -> None:
    flipped = with_flips(splits, {})
    tags = {name: np.eye(2, dtype=np.uint8)[examples.targets] for name, examples in flipped.items()}
    tags["train"][5, 1] = 0  # missing
    tags["train"][6, 1] = 1  # too many
    parts = {name: replace(examples, targets=tags[name]) for name, examples in flipped.items()}
    outputs = keras.layers.Dense(2, activation="sigmoid")(network.layers[-2].output)
    plan = planned(keras.Model(network.inputs, outputs), replace(flipped, **parts), tags=True)
    found = suspects(plan, {name: np.abs(values - 0.02) for name, values in tags.items() if name != "train"})
    assert [(one.position, one.given, one.likely) for one in found[:2]] == [(5, "no bee", "bee"), (6, "bee", "no bee")]


def test_who_was_not_asked_doubts_nothing(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, single_label(splits.labels), splits, HEAD, batch_size=8)
    assert suspects(plan, {}) == []
    hidden = keras.layers.Dense(3)(network.layers[-2].output)
    two = keras.Model(network.inputs, keras.layers.Dense(2, activation="softmax")(hidden))
    plan = plan_phases(two, single_label(splits.labels), splits, {"head": Phase(epochs=1)}, batch_size=8)
    assert store_first(plan, None).witnesses is None


@pytest.mark.parametrize("features", [4, 40])
def test_what_is_left_out_is_what_a_fit_without_it_predicts(features: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, features)).astype(np.float32), (rng.random((12, 3)) < 0.5).astype(np.float32)
    predicted = left_out(x, y)
    others = np.arange(12) != 5
    penalty = STRENGTH * 12 * np.eye(features)
    kernel = np.linalg.solve(x[others].T @ x[others] + penalty, x[others].T @ (y[others] - y.mean(axis=0)))
    assert predicted[5] == pytest.approx(np.clip(x[5] @ kernel + y.mean(axis=0), 0, 1), abs=1e-4)


def test_many_examples_say_the_same_in_two_passes(
    network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(network, with_flips(splits, {"train": [3, 8]}), tags=False)
    monkeypatch.setattr(witnessing, "HELD", 0)
    again = witnessing.with_witnesses(replace(plan, witnesses=None))
    assert again.witnesses.heads == pytest.approx(plan.witnesses.heads, abs=1e-4)
    for split, votes in plan.witnesses.votes.items():
        assert again.witnesses.votes[split] == pytest.approx(votes, abs=1e-6)
    rng = np.random.default_rng(0)
    x, y = (1000 + rng.normal(size=(400, 30))).astype(np.float32), rng.random((400, 2)).astype(np.float32)
    ridge = Ridge.of((x[start : start + 96], y[start : start + 96]) for start in range(0, len(x), 96))
    standardized = (x - x.mean(axis=0)) / x.std(axis=0)
    assert ridge.left_out(ridge.standardized(x), y) == pytest.approx(left_out(standardized, y), abs=1e-3)
    assert ridge.axes(30) is None
    rows = standardized @ ridge.axes(5)
    assert np.var(rows, axis=0) == pytest.approx(np.sort(np.linalg.eigvalsh(np.cov(standardized.T)))[-5:], rel=0.01)
