from __future__ import annotations

from dataclasses import replace

import keras
import pytest

from tfft.data import Augmentation, Splits
from tfft.models import single_label
from tfft.store import Storage
from tfft.training import Phase, phase_costs, plan_phases, store_activations

TASK = single_label(["ant", "bee"])
PHASES = {"head": Phase(epochs=3), "tune": Phase(epochs=2, unfreeze=1)}


def test_bytes_are_those_of_the_store_and_time_passes(network: keras.Model, splits: Splits) -> None:
    changed = replace(splits, augmentation=Augmentation("light", views=4))
    plan = plan_phases(network, TASK, changed, PHASES, batch_size=8)
    head, tune = phase_costs(plan)
    assert head.stored == head.missing == (3 * 20 + 7) * 8 * 4  # its epochs see three of the views
    # two epochs of views 3 and 0, and the pictures as they are to be scored
    assert tune.stored == tune.missing == (20 * 2 + 7 + 7) * 512 * 4
    assert min(head.storing, head.training, tune.storing, tune.training) > 0
    store_activations(plan)
    again = phase_costs(plan)
    assert [(cost.missing, cost.storing) for cost in again] == [(0, 0.0), (0, 0.0)]
    assert [cost.stored for cost in again] == [head.stored, tune.stored]


def test_what_is_streamed_costs_time_in_every_epoch(
    network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_phases(network, TASK, splits, PHASES, batch_size=8, storage=Storage(limit=1e-9))
    assert [(cost.stored, cost.missing) for cost in phase_costs(plan)] == [(0, 0), (0, 0)]
    # as if every batch took a second, a trunk or a top alike
    monkeypatch.setattr("tfft.training.costs._seconds", lambda function: (0.0, 1.0))
    head, tune = phase_costs(replace(plan, timed={}))
    steps, trunk = 3 * 3 + 1, (20 + 7) / 48
    assert (head.training, tune.training) == (3 * (steps + 2 * trunk), 2 * (steps + trunk))
