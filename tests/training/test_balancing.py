from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from tfft.data import Balance, Pictures, Splits, class_balance
from tfft.models import Task, features, single_label
from tfft.training import Phase, Plan, plan_phases
from tfft.training.balancing import best_of, store_and_balance


def pictures(counts: tuple[int, int], seed: int) -> Pictures:
    """Two classes whose brightness overlaps."""
    rng = np.random.default_rng(seed)
    targets = np.repeat([0, 1], counts)
    levels = rng.normal(np.where(targets, 140, 110), 15)
    inputs = np.clip(rng.normal(levels[:, None, None, None], 5, (len(targets), 32, 32, 3)), 0, 255).astype(np.uint8)
    ids = [f"{seed:04x}{number:028x}" for number in range(len(targets))]
    return Pictures(inputs, targets.astype(np.int32), ids, ids, counts=list(counts))


@pytest.fixture
def skewed() -> Splits:
    return Splits(pictures((240, 24), 1), pictures((12, 3), 2), None, ["common", "rare"])


def balanced(network: keras.Model, splits: Splits, phase: Phase = Phase(epochs=1, optimizer="auto")) -> Plan:
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    outputs = keras.layers.Dense(2, activation="softmax")(features(backbone, "all"))

    def task_of(balance: Balance) -> Task:
        return single_label(splits.labels, **class_balance(splits.train, balance))

    model = keras.Model(network.inputs[0], outputs)
    plan = plan_phases(model, task_of("none"), splits, {"head": phase}, batch_size=8)
    return store_and_balance(plan, task_of)


def test_a_rare_class_that_is_overlooked_gets_another_loss(network: keras.Model, skewed: Splits) -> None:
    plan = balanced(network, skewed)
    (note,) = plan.notes
    assert "macro F1" in note
    assert "none 0." in note
    assert any(f"`--balance {choice}`" in note for choice in ("weights", "logit-adjustment"))
    # where both classes are as likely, the rare one now costs more
    half = np.full((2, 2), 0.5, np.float32)
    common, rare = np.asarray(plan.task.loss(np.array([0, 1]), half))
    assert rare > 1.5 * common


def test_the_loss_stays_where_there_is_nothing_to_gain_or_to_compare(
    network: keras.Model, skewed: Splits, splits: Splits
) -> None:
    assert balanced(network, splits).notes == ()  # as many of each
    few = replace(skewed, train=pictures((30, 2), 3))
    assert balanced(network, few).notes == ()
    (note,) = balanced(network, skewed, Phase(epochs=1, optimizer="sgd")).notes
    assert "all classes are treated alike" in note


@pytest.mark.parametrize(
    ("none", "weights", "adjusted", "chosen"),
    [
        (0.763, 0.779, 0.778, "logit-adjustment"),
        (0.882, 0.920, 0.691, "weights"),
        (0.900, 0.904, 0.903, "none"),
        (0.900, 0.890, 0.880, "none"),
    ],
)
def test_logit_adjustment_is_chosen_if_it_is_about_as_good_as_the_best(
    none: float, weights: float, adjusted: float, chosen: Balance
) -> None:
    assert best_of({"none": none, "weights": weights, "logit-adjustment": adjusted, "focal": none}) == chosen
