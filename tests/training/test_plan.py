from __future__ import annotations

import keras
import pytest

from tfft.data import Splits
from tfft.errors import ConfigError
from tfft.training import Phase, check_phases, plan_phases


def test_a_plan_counts_what_each_phase_trains(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(
        network,
        splits,
        {"head": Phase(epochs=3), "skipped": Phase(epochs=0), "tune": Phase(epochs=2, unfreeze=1)},
        batch_size=8,
    )
    assert [(p.name, p.epoch_numbers, p.trained) for p in plan.phases] == [
        ("head", range(3), 18),
        ("tune", range(3, 5), 18 + 3 * 3 * 8 * 8 + 8),
    ]
    assert all(p.trained + p.frozen == network.count_params() for p in plan.phases)
    assert (plan.stages, plan.steps_per_epoch) == (3, 3)
    assert len(network.trainable_weights) == 2  # planning changed nothing


def test_unfreeze_beyond_the_stages_even_of_a_phase_left_out(network: keras.Model, splits: Splits) -> None:
    with pytest.raises(ConfigError, match=r"at most 3, the stages.*unfreeze=9.*`all`"):
        plan_phases(network, splits, {"head": Phase(), "tune": Phase(epochs=0, unfreeze=9)}, batch_size=8)


def test_a_backbone_alone_can_be_checked_before_there_are_data(network: keras.Model) -> None:
    network.trainable = False
    check_phases(network, {"head": Phase(), "tune": Phase(unfreeze=3)})
    with pytest.raises(ConfigError, match="unfreeze=4"):
        check_phases(network, {"head": Phase(), "tune": Phase(unfreeze=4)})


def test_nothing_to_train(network: keras.Model, splits: Splits) -> None:
    network.trainable = False
    with pytest.raises(ConfigError, match="every layer is frozen"):
        plan_phases(network, splits, {"head": Phase()}, batch_size=8)


def test_no_epochs(network: keras.Model, splits: Splits) -> None:
    with pytest.raises(ConfigError, match=r"head\.epochs=0, tune\.epochs=0"):
        plan_phases(network, splits, {"head": Phase(epochs=0), "tune": Phase(epochs=0)}, batch_size=8)


def test_a_batch_is_at_most_the_training_data(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, splits, {"head": Phase()}, batch_size=1000)
    assert (plan.batch_size, plan.steps_per_epoch) == (20, 1)


def test_no_batch(network: keras.Model, splits: Splits) -> None:
    with pytest.raises(ConfigError, match="batch_size=0"):
        plan_phases(network, splits, {"head": Phase()}, batch_size=0)
