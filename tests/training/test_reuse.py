from __future__ import annotations

from dataclasses import replace

import keras
import pytest

from tfft.data import Augmentation, Splits
from tfft.models import single_label
from tfft.store import Storage
from tfft.training import History, Phase, phase_costs, plan_phases
from tfft.training.planned import SplitView
from tfft.training.reuse import reused

TASK = single_label(["ant", "bee"])
PHASES = {"head": Phase(epochs=3), "tune": Phase(epochs=4, unfreeze=1)}
HISTORY = History([{"phase": name} for name in ("head", "head", "head", "tune", "tune")])
"""The second phase stopped early."""


def test_what_is_read_again_is_saved(network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    viewed = replace(splits, augmentation=Augmentation("light", views=4))
    plan = plan_phases(network, TASK, viewed, PHASES, batch_size=8)
    assert [one.seconds for one in reused(plan, HISTORY)] == [None, None]  # never timed
    # as if every batch of 48 took a second; the head reads what comes after two steps
    monkeypatch.setattr("tfft.training.costs._seconds", lambda function: (0.0, 1.0))
    phase_costs(plan)
    head, tune = reused(plan, HISTORY)
    assert (head.read, head.stored, head.bytes) == (3 * (20 + 7), 3 * 20 + 7, 67 * 8 * 4)
    assert (tune.read, tune.stored) == (2 * (20 + 7), 2 * 20 + 7)
    assert (head.seconds, tune.seconds) == pytest.approx((14 * 2 / 48, 7 * 1 / 48))
    said = "Phase head: outputs of the frozen layers stored for 67 examples (2.1 kB) and read 81 times, < 1 s saved"
    assert head.in_words == said


def test_nothing_is_saved_where_all_is_streamed(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, PHASES, batch_size=8, storage=Storage(limit=1e-9))
    assert reused(plan, HISTORY) == []


def test_what_could_not_be_stored_saved_nothing(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, PHASES, batch_size=8)
    assert len(reused(plan, HISTORY)) == 2
    for depth in (0, 1):
        plan.activations._failed.update({(depth, SplitView(split), None) for split in ("train", "val")})
    assert reused(plan, HISTORY) == []
