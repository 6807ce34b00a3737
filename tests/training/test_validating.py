from __future__ import annotations

import sys

import keras
import pytest

from tfft.data import Splits
from tfft.models import single_label
from tfft.training import Phase, build_optimizer, plan_phases
from tfft.training.feeding import VAL, rows_and_targets
from tfft.training.parts import compile_top
from tfft.training.validating import validating

TASK = single_label(["ant", "bee"])


@pytest.mark.parametrize("numbers", [1, 2**21])
def test_validation_is_that_of_keras(
    network: keras.Model, splits: Splits, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches of 3, the last of which has one example, or all at once."""
    monkeypatch.setattr(sys.modules["tfft.training.predict"], "NUMBERS", numbers)
    plan = plan_phases(network, TASK, splits, {"tune": Phase(epochs=1, unfreeze=1)}, batch_size=3)
    assert len(splits.val) % 3 == 1
    rows, targets = rows_and_targets(plan, plan.lowest)
    compile_top(plan, plan.lowest, build_optimizer(Phase(), 1), 1)
    found = validating(plan, plan.lowest, rows[VAL], targets[VAL])()
    network.compile("sgd", TASK.loss, metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
    pixels = splits.val.inputs.astype("float32")
    expected = network.evaluate(pixels, splits.val.targets, verbose=0, return_dict=True)
    assert found == pytest.approx({f"val_{name}": value for name, value in expected.items()}, rel=1e-5)
    some = validating(plan, plan.lowest, rows[VAL], targets[VAL], most=4)()
    expected = network.evaluate(pixels[::2], splits.val.targets[::2], verbose=0)[0]
    assert some["val_loss"] == pytest.approx(expected, rel=1e-5)
