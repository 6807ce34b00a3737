from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.models import single_label
from tfft.training import Phase, plan_phases, range_test
from tfft.training.rising import suggested

TASK = single_label(["ant", "bee"])
FOUND = Phase(epochs=2, learning_rate="find", optimizer="adamw", unfreeze=1, head_rate=0.1, batch_norm="train")


def rows(*losses: float) -> list[dict[str, float]]:
    return [{"learning_rate": 10.0**place, "val_loss": loss} for place, loss in enumerate(losses, start=-6)]


@pytest.mark.slow
def test_rates_rise_and_everything_is_as_it_was(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, {"tune": FOUND}, batch_size=8)
    planned, seen = plan.lowest, []
    before = [variable.numpy() for variable in planned.top.variables]

    def look() -> None:
        seen.append([float(group.learning_rate) for group in planned.top.optimizer.optimizers])

    test = range_test(plan, planned, interrupt=look)
    after = [variable.numpy() for variable in planned.top.variables]
    assert all(map(np.array_equal, before, after))
    assert not any(layer.trainable for layer in network.layers if layer.name == "conv_3")
    rates = [row["learning_rate"] for row in test.rows]
    assert rates == sorted(rates)
    assert seen[::4] == seen[3::4] == [pytest.approx([rate, rate / 10]) for rate in rates]
    assert len({row["val_loss"] for row in test.rows}) == len(rates)


def test_the_suggestion_is_the_first_rate_that_does_harm_or_a_tenth_of_the_best() -> None:
    for losses, start, suggestion in (
        ((0.30, 0.31, 0.36, 0.45, 3.0), 0.3, 1e-3),  # a solved head: the loss can only rise
        ((0.69, 0.60, 0.20, 0.15, 0.40), 0.7, 1e-4),  # a new head: it falls first
        ((0.30, math.nan), 0.3, 1e-5),
        ((math.nan, math.nan), 0.3, 1e-6),
        ((0.69, 0.68, 0.67), 0.7, 1e-4),  # the highest does no harm
    ):
        assert suggested(rows(*losses), start) == pytest.approx(suggestion)


def test_a_solved_head_has_no_rate(network: keras.Model, splits: Splits) -> None:
    phases = {"head": Phase(epochs=1, learning_rate="find", optimizer="lbfgs")}
    plan = plan_phases(network, TASK, splits, phases, batch_size=8)
    assert "`--head.learning-rate find` does nothing" in plan.notes[0]
    with pytest.raises(ConfigError, match=r"head has no learning rate.*--head.optimizer adam"):
        range_test(plan, plan.lowest)
