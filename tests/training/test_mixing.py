from __future__ import annotations

from dataclasses import replace

import keras
import pytest

from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.models import regression, single_label
from tfft.training import Phase, plan_phases
from tfft.training.mixing import check_mixing
from tfft.training.planned import PlannedPhase

TASK = single_label(["ant", "bee"])


def test_a_solved_head_is_not_mixed_and_auto_trains_it(network: keras.Model, splits: Splits) -> None:
    network.get_layer("head_dropout").rate = 0.0
    with pytest.raises(ConfigError, match=r"lbfgs.*mixup=0\.1, cutmix=0"):
        Phase(optimizer="lbfgs", mixup=0.1)
    phases = {"head": Phase(optimizer="auto", mixup=0.1)}
    plan = plan_phases(network, TASK, splits, phases, batch_size=8)
    assert plan.phases[0].phase.optimizer == "adam"
    with pytest.raises(ConfigError, match=r"phase head is trained on features without places.*--head\.mixup"):
        plan_phases(network, TASK, splits, {"head": Phase(cutmix=1.0)}, batch_size=8)


def _planned(phase: Phase, *tensors: keras.KerasTensor) -> PlannedPhase:
    inputs = [keras.Input(shape, dtype=dtype) for shape, dtype in tensors]
    outputs = [keras.ops.cast(keras.ops.sum(one), "float32") for one in inputs]
    return PlannedPhase("tune", phase, range(1), 1, 1, keras.Model(inputs, outputs), 0)


MAP, STATES, MASK, TOKENS, BIAS = (
    ((4, 4, 2), "float32"), ((None, 8), "float32"), ((None,), "float32"), ((None,), "int32"), ((None, None), "float32"),
)  # fmt: skip
MIXUP, CUTMIX = Phase(mixup=0.2, unfreeze=1), Phase(cutmix=1.0, unfreeze=1)


@pytest.mark.parametrize(
    ("phase", "tensors", "task", "words"),
    [
        (MIXUP, [TOKENS], TASK, r"trained on tokens.*--tune\.unfreeze"),
        (MIXUP, [STATES, BIAS], TASK, "attention bias"),
        (CUTMIX, [STATES, MASK], TASK, "CutMix needs pictures"),
        (CUTMIX, [MAP], regression(["grams"], deviation=[1.0]), r"patch.*--tune\.mixup"),
        (MIXUP, [MAP], replace(TASK, mixing=None), "Only classes, tags and numbers"),
    ],
)
def test_what_cannot_be_mixed_is_told_before_anything_is_computed(
    phase: Phase, tensors: list, task: object, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_mixing(_planned(phase, *tensors), task)


def test_what_can_be_mixed() -> None:
    for phase, tensors in ((MIXUP, [STATES, MASK]), (CUTMIX, [MAP, STATES]), (MIXUP, [MAP]), (Phase(), [TOKENS])):
        check_mixing(_planned(phase, *tensors), TASK)
