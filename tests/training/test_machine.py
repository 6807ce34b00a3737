from __future__ import annotations

import json

import keras
import pytest

from tfft.data import Splits
from tfft.models import single_label
from tfft.training import Phase, plan_phases
from tfft.training.machine import SETTINGS, machine


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_was_stored_under_other_settings_is_not_used(
    setting: str, network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def places() -> list[str]:
        plan = plan_phases(network, single_label(splits.labels), splits, {"head": Phase(epochs=1)}, batch_size=8)
        (part,), levels = splits.train.parts, plan.activations.levels
        return [plan.activations.array(depth, 0, part).folder.name for depth in range(len(levels))]

    monkeypatch.delenv(setting, raising=False)
    before = places()
    assert places() == before
    monkeypatch.setenv(setting, "0")
    assert not set(places()) & set(before)


def test_it_is_the_same_twice_and_json_has_it() -> None:
    assert json.loads(json.dumps(machine())) == machine()
