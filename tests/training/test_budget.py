from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras
import pytest

from tfft.data import Augmentation, Splits
from tfft.models import single_label
from tfft.settings import applied
from tfft.training import Phase, Plan, fit_time, misses, plan_phases
from tfft.training.budget import smaller
from tfft.training.costs import EVALUATIONS
from tfft.training.problem import FOLDS

TASK = single_label(["ant", "bee"])


@pytest.fixture
def planned(network: keras.Model, splits: Splits) -> Any:
    """From settings by name to the plan of a solved head and six epochs of two stages, in three views."""
    viewed = replace(splits, augmentation=Augmentation("light", views=3))
    phases = {"head": Phase(epochs=1, optimizer="lbfgs"), "tune": Phase(epochs=6, unfreeze=2)}

    def plan_of(values: Mapping[str, Any]) -> Plan:
        changed = dict(phases)
        for name, value in values.items():
            phase, _, field = name.partition(".")
            changed[phase] = applied(changed[phase], {field: value})
        return plan_phases(network, TASK, viewed, changed, batch_size=8)

    return plan_of


def test_views_go_first_then_epochs_then_stages(planned: Any) -> None:
    steps = smaller(planned({}), ())
    both = {"head.views": 1, "tune.views": 1}
    assert steps == [
        {"head.views": 2, "tune.views": 2},
        both,
        {**both, "tune.epochs": 5},
        {**both, "tune.epochs": 3},
        {**both, "tune.epochs": 3, "tune.unfreeze": 1},
        {**both, "tune.epochs": 2, "tune.unfreeze": 1},
        {**both, "tune.epochs": 1, "tune.unfreeze": 1},
        {**both, "tune.epochs": 0, "tune.unfreeze": 1},
    ]
    kept = smaller(planned({}), {"views", "tune.epochs"})
    assert kept == [{"tune.unfreeze": 1}]
    slowly = smaller(planned({"tune.gradual": 2.0}), {"views"})  # stages must still all be reached
    assert slowly == [
        {"tune.epochs": 5},
        {"tune.epochs": 5, "tune.unfreeze": 1},
        {"tune.epochs": 0, "tune.unfreeze": 1},
    ]


def test_the_largest_plan_that_fits_is_taken(planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # as if every batch took a second, a trunk or a top alike
    monkeypatch.setattr("tfft.training.costs._seconds", lambda function: (0.0, 1.0))
    plan, solving = planned({}), (1 + FOLDS) * EVALUATIONS
    time = solving + 5 * (3 * 3 + 1) + 9.0  # and five epochs, and what is stored
    assert fit_time(plan, planned, 1e6, ()) == (plan, [])
    fitted, lowered = fit_time(plan, planned, time, ())
    assert {advice.setting: advice.value for advice in lowered} == {
        "head.views": 1,
        "tune.views": 1,
        "tune.epochs": 5,
    }
    assert all(advice.taken and "51 min" in advice.source for advice in lowered)
    assert [phase.views for phase in fitted.phases] == [1, 1]
    assert misses(fitted, time, ()) is None


def test_the_smallest_plan_may_miss_its_time(planned: Any) -> None:
    fitted, lowered = fit_time(planned({}), planned, 0.0, {"tune.epochs", "seed"})
    assert {advice.setting for advice in lowered} == {"head.views", "tune.views", "tune.unfreeze"}
    said = misses(fitted, 0.0, {"tune.epochs", "seed"})
    assert "0 s" in said
    assert said.endswith("you have set `tune.epochs`")
