from __future__ import annotations

import keras
import pytest

from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.models import single_label
from tfft.training import Phase, plan_phases
from tfft.training.cutting import cut_phases


def test_phases_of_one_cut_have_one_object(network: keras.Model) -> None:
    phases = {"head": Phase(), "none": Phase(epochs=0), "a": Phase(unfreeze=1), "b": Phase(unfreeze=1)}
    found = cut_phases(network, phases)
    assert list(found) == ["head", "a", "b"]
    assert found["a"].cut is found["b"].cut is not found["head"].cut
    assert len(network.trainable_weights) == 2


def test_nothing_to_train(network: keras.Model) -> None:
    network.trainable = False
    with pytest.raises(ConfigError, match=r"--head\.unfreeze"):
        cut_phases(network, {"head": Phase()})


def test_a_bottleneck_that_both_phases_could_cut_at_keeps_them_in_one_another() -> None:
    """The head may cut far below its last frozen layer, and so below the cut of a later phase."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(64, 5, padding="same", name="work")(inputs)
    x = keras.layers.Conv2D(1, 1, name="narrow")(x)
    x = keras.layers.Conv2D(256, 1, name="wide")(x)
    x = keras.layers.Conv2D(40, 1, strides=4, name="last")(x)
    backbone = keras.Model(inputs, x)
    backbone.trainable = False
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    found = cut_phases(model, {"head": Phase(), "tune": Phase(unfreeze=1)})
    names = [one.cut.crossing[0]._keras_history[0].name for one in found.values()]
    assert names in (["narrow", "narrow"], ["flatten", "narrow"])


def test_what_an_earlier_phase_moves_is_no_trunk_of_a_later_one(splits: Splits) -> None:
    """BatchNorm at the boundary, trained in the first phase and frozen in the second."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, strides=2, name="below")(inputs)
    x = keras.layers.MaxPooling2D(name="pooled")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Conv2D(4, 1, name="above")(x)
    backbone = keras.Model(inputs, x)
    backbone.trainable = False
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x)))
    phases = {"train": Phase(epochs=1, unfreeze=1, batch_norm="train"), "keep": Phase(epochs=1, unfreeze=1)}
    task = single_label(splits.labels)
    plan = plan_phases(model, task, splits, phases, batch_size=8)
    assert [planned.depth for planned in plan.phases] == [0, 0]
    assert plan.activations.levels[0].layers == ["pooled"]
    alone = plan_phases(model, task, splits, {"keep": phases["keep"]}, batch_size=8)
    assert alone.activations.levels[0].layers == ["norm"]
