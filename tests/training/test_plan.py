from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras.layers import Dense

from tfft.data import Augmentation, Splits
from tfft.data.choices import Views
from tfft.errors import ConfigError
from tfft.models import single_label
from tfft.training import Phase, fine_tune, plan_phases, predict

TASK = single_label(["ant", "bee"])


def test_a_plan_counts_what_each_phase_trains(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(
        network,
        TASK,
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
    with pytest.raises(ConfigError, match=r"(?=.*unfreeze)(?=.*\b3\b)(?=.*\b9\b)(?=.*`all`)"):
        plan_phases(network, TASK, splits, {"head": Phase(), "tune": Phase(epochs=0, unfreeze=9)}, batch_size=8)


def test_nothing_to_train(network: keras.Model, splits: Splits) -> None:
    network.trainable = False
    with pytest.raises(ConfigError, match=r"head\.unfreeze"):
        plan_phases(network, TASK, splits, {"head": Phase()}, batch_size=8)


def test_no_epochs(network: keras.Model, splits: Splits) -> None:
    with pytest.raises(ConfigError, match=r"head\.epochs=0, tune\.epochs=0"):
        plan_phases(network, TASK, splits, {"head": Phase(epochs=0), "tune": Phase(epochs=0)}, batch_size=8)


def test_a_batch_is_at_most_the_training_data(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, {"head": Phase()}, batch_size=1000)
    assert (plan.batch_size, plan.steps_per_epoch) == (20, 1)


def test_no_batch(network: keras.Model, splits: Splits) -> None:
    with pytest.raises(ConfigError, match=r"batch_size\b.*\b0\b"):
        plan_phases(network, TASK, splits, {"head": Phase()}, batch_size=0)


def test_phases_train_on_what_crosses_their_cut(network: keras.Model, splits: Splits) -> None:
    phases = {"head": Phase(epochs=1), "tune": Phase(epochs=1, unfreeze=1), "all": Phase(epochs=1, unfreeze="all")}
    plan = plan_phases(network, TASK, splits, phases, batch_size=8)
    assert [level.makes.shapes for level in plan.activations.levels] == [((8, 8, 8),), ((8,),)]
    assert [planned.depth for planned in plan.phases] == [1, 0, None]
    assert plan.lowest.name == "all"
    assert plan.lowest.top.count_params() == network.count_params()


def test_phases_of_one_cut_share_it(network: keras.Model, splits: Splits) -> None:
    phases = {"a": Phase(epochs=1, unfreeze=1), "b": Phase(epochs=1, unfreeze=1, learning_rate=1e-4)}
    plan = plan_phases(network, TASK, splits, phases, batch_size=8)
    assert len(plan.activations.levels) == 1
    assert [planned.depth for planned in plan.phases] == [0, 0]
    assert plan.phases[0].top is plan.phases[1].top


def test_views(network: keras.Model, splits: Splits) -> None:
    def shown(views: Views) -> list[int]:
        changed = replace(splits, augmentation=Augmentation("light", views=views))
        plan = plan_phases(network, TASK, changed, {"head": Phase(epochs=9)}, batch_size=8)
        return [plan.phases[0].shown(epoch).view for epoch in range(9)]

    with pytest.raises(ConfigError, match=r"views\b.*\b0\b"):
        shown(0)
    assert shown(4) == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert shown("fresh") == list(range(9))


def test_pictures_are_uint8(network: keras.Model, splits: Splits) -> None:
    scaled = replace(splits, train=replace(splits.train, inputs=splits.train.inputs / 255.0))
    with pytest.raises(ConfigError, match=r"uint8.*float64"):
        plan_phases(network, TASK, scaled, {"head": Phase()}, batch_size=8)


def test_a_plan_is_carried_out_with_its_own_model_and_weights(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
    with pytest.raises(ConfigError, match=network.name):
        predict(keras.models.clone_model(network), splits, plan)
    kernel = network.get_layer("conv_1").kernel
    kernel.assign(kernel * 2)
    with pytest.raises(ConfigError, match="plan_phases"):
        fine_tune(plan)


@pytest.mark.parametrize(
    ("last", "named"),
    [
        ([Dense(3, activation="softmax")], ["(batch, 2)", "(batch, 3)"]),
        ([keras.layers.Reshape((2, 4))], ["(batch, 2)", "(batch, 2, 4)"]),
        ([Dense(2)], ["softmax", "linear"]),
        ([Dense(2, activation="sigmoid")], ["softmax", "sigmoid"]),
        ([Dense(2, activation="softmax"), Dense(5, activation="softmax")], ["(batch, 2)", "(batch, 5)"]),
    ],
)
def test_answers_that_the_task_does_not_take_are_refused(
    network: keras.Model, splits: Splits, last: list[keras.layers.Layer], named: list[str]
) -> None:
    """Of another shape, or after another activation than the loss is right for."""
    features = network.get_layer("head_dropout").output
    model = keras.Model(network.inputs[0], [layer(features) for layer in last])
    with pytest.raises(ConfigError) as error:
        plan_phases(model, TASK, splits, {"head": Phase()}, batch_size=8)
    assert all(name in str(error.value) for name in [*named, "build_model"])


def test_an_activation_may_be_a_layer_of_its_own(network: keras.Model, splits: Splits) -> None:
    logits = Dense(2)(network.get_layer("head_dropout").output)
    model = keras.Model(network.inputs[0], keras.layers.Softmax()(logits))
    assert plan_phases(model, TASK, splits, {"head": Phase()}, batch_size=8).phases[0].trained == 18


def test_it_says_how_many_of_each_class_an_epoch_shows(network: keras.Model, splits: Splits) -> None:
    classes = splits.train.targets.copy()
    classes[:4] = 1  # 12 and 8 of them
    counts = np.bincount(classes).tolist()
    train = replace(splits.train, targets=classes, counts=counts, rarity=1 / np.array(counts)[classes])
    for sampling, each in (("oversample", "ant 10, bee 10"), ("undersample", "ant 8, bee 8")):
        chosen = replace(splits, train=train, sampling=sampling)
        plan = plan_phases(network, TASK, chosen, {"head": Phase(epochs=1)}, batch_size=8)
        assert plan.notes[0].endswith(each), plan.notes
    assert plan_phases(network, TASK, splits, {"head": Phase(epochs=1)}, batch_size=8).notes == ()
