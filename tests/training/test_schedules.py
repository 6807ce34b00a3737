from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.models import unfrozen
from tfft.training import Phase, build_optimizer
from tfft.training.schedules import OnceInAGraph, current_rate, learning_rate


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_each_optimizer_by_its_name(name: str) -> None:
    optimizer = build_optimizer(Phase(optimizer=name, learning_rate=0.01, momentum=0.8, weight_decay=0.02), 10)
    assert type(optimizer).__name__.lower() == name.removesuffix("w")
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    if name == "sgd":
        assert optimizer.momentum == 0.8
    assert optimizer.weight_decay == (0.02 if name == "adamw" else None)


def rates(schedule: str, steps: int = 70, **options: float) -> list[float]:
    made = learning_rate(Phase(epochs=7, learning_rate=0.1, schedule=schedule, **options), steps // 7)
    return [float(made(step)) for step in range(steps + 1)]


def test_a_constant_rate_is_a_number() -> None:
    assert learning_rate(Phase(learning_rate=0.1), 10) == 0.1


def test_cosine_rises_to_the_rate_and_falls_to_nothing() -> None:
    found = rates("cosine", warmup=0.1)
    assert found[0] == 0
    assert max(found) == pytest.approx(0.1)
    assert found.index(max(found)) == 7
    assert found[-1] == pytest.approx(0, abs=1e-6)
    assert found[7:] == sorted(found[7:], reverse=True)


def test_cosine_without_warmup_starts_at_the_rate() -> None:
    assert rates("cosine", warmup=0.0)[0] == pytest.approx(0.1)


def test_a_warmup_over_nearly_all_of_a_short_phase() -> None:
    made = learning_rate(Phase(epochs=1, learning_rate=0.1, schedule="cosine", warmup=0.96), 10)
    assert float(made(9)) == pytest.approx(0.1)


def test_restarts_start_again_and_fill_the_phase() -> None:
    found = rates("cosine_restarts")
    assert [step for step, rate in enumerate(found[:-1]) if rate == pytest.approx(0.1)] == [0, 10, 30]


@pytest.mark.parametrize("steps", [70, 76, 100, 1000])
def test_restarts_end_low(steps: int) -> None:
    made = learning_rate(Phase(epochs=1, learning_rate=0.1, schedule="cosine_restarts"), steps)
    assert float(made(steps - 1)) < 0.04 * 0.1


def test_exponential_decay_ends_at_a_hundredth() -> None:
    found = rates("exponential")
    assert found[0] == pytest.approx(0.1)
    assert found[-1] == pytest.approx(0.001)
    assert found[35] == pytest.approx(0.01)


def test_a_phase_of_one_step_works() -> None:
    for schedule in ("cosine", "cosine_restarts", "exponential"):
        made = learning_rate(Phase(epochs=1, schedule=schedule), 1)
        assert isinstance(made, keras.optimizers.schedules.LearningRateSchedule)
        assert float(made(0)) >= 0


def test_noam_rises_in_a_line_and_falls_with_the_root() -> None:
    found = rates("noam", warmup=0.1)
    assert found[6] == max(found) == pytest.approx(0.1)
    assert found[0] == pytest.approx(0.1 / 7)
    assert found[27] == pytest.approx(0.05)  # four times as many steps, half the rate


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_long_gradients_are_shortened(name: str) -> None:
    assert build_optimizer(Phase(optimizer=name, clip_norm=2.0), 10).global_clipnorm == 2.0
    assert build_optimizer(Phase(optimizer=name), 10).global_clipnorm is None


def test_head_and_stages_have_rates_of_their_own_and_only_matrices_decay(network: keras.Model) -> None:
    phase = Phase(optimizer="adamw", learning_rate=0.1, weight_decay=0.5, head_rate=0.2, stage_decay=0.3, unfreeze=2)
    with unfrozen(network, 2, batch_norm="frozen") as stages:
        weights = network.trainable_weights
        optimizer = build_optimizer(phase, 10, weights, stages)
        optimizer.build(weights)
        for weight in weights:
            weight.assign_add(keras.ops.ones_like(weight))  # biases are 0 at first
        before = {weight.path: weight.numpy() for weight in weights}
        optimizer.apply([keras.ops.ones_like(weight) for weight in weights], weights)
    assert current_rate(optimizer) == pytest.approx(0.1)
    for weight in weights:
        rate = 0.1 * {"conv_3": 1.0, "conv_2": 0.3, "predictions": 0.2}[weight.path.split("/")[0]]
        decay = 0.5 * before[weight.path] if weight.path.endswith("kernel") else 0.0
        expected = before[weight.path] - rate * (1 + decay)  # the first step of Adam is the rate
        assert weight.numpy() == pytest.approx(expected, rel=1e-4, abs=1e-6), weight.path


def test_stages_begin_one_after_another_from_the_top_down(network: keras.Model) -> None:
    """And rates go on as if all had begun at first; AdamW does not decay what is not trained yet."""
    phase = Phase(4, 0.1, "adamw", weight_decay=0.5, schedule="cosine", unfreeze=2, gradual=0.5)
    moved = []
    with unfrozen(network, 2, batch_norm="frozen") as stages:
        weights = network.trainable_weights
        optimizer = build_optimizer(phase, 4, weights, stages)
        optimizer.build(weights)
        kernels = {name: network.get_layer(name).kernel for name in ("conv_2", "conv_3", "predictions")}
        for _ in range(6):
            before = {name: kernel.numpy() for name, kernel in kernels.items()}
            optimizer.apply([keras.ops.ones_like(weight) for weight in weights], weights)
            moved.append({name: (kernel.numpy() != before[name]).all() for name, kernel in kernels.items()})
    later = {name: next(step for step, names in enumerate(moved) if names[name]) for name in kernels}
    assert later == {"predictions": 1, "conv_3": 2, "conv_2": 4}  # the cosine begins with a rate of 0
    assert current_rate(optimizer) == pytest.approx(float(learning_rate(phase, 4)(6)))


def test_a_single_rate_needs_a_single_optimizer(network: keras.Model) -> None:
    with unfrozen(network, 2, batch_norm="frozen") as stages:
        optimizer = build_optimizer(Phase(unfreeze=2), 10, network.trainable_weights, stages)
    assert isinstance(optimizer, keras.optimizers.Adam)


def test_a_head_may_stand_still_while_stages_are_trained(network: keras.Model) -> None:
    with unfrozen(network, 1, batch_norm="frozen") as stages:
        weights = network.trainable_weights
        optimizer = build_optimizer(Phase(learning_rate=0.01, head_rate=0.0, unfreeze=1), 4, weights, stages)
        before = [weight.numpy().copy() for weight in weights]
        optimizer.build(weights)
        optimizer.apply([keras.ops.ones_like(weight) for weight in weights], weights)
    moved = {
        weight.path.split("/")[0] for weight, old in zip(weights, before, strict=True) if (weight.numpy() != old).any()
    }
    assert moved == {"conv_3"}


@pytest.mark.parametrize("schedule", ["constant", "cosine_restarts", "exponential"])
def test_each_schedule_can_rise_at_first(schedule: str) -> None:
    found = rates(schedule, warmup=0.2)
    assert found[0] == 0
    assert found[7] == pytest.approx(0.05, rel=0.05)
    assert max(found) == found[14] == pytest.approx(0.1)


def test_a_graph_computes_a_schedule_once_and_takes_the_same_steps() -> None:
    def trained(once: bool) -> tuple[list[np.ndarray], int]:
        weights = [keras.Variable(np.full((2, 3), start, np.float32)) for start in (1.0, 2.0, 3.0)]
        optimizer = build_optimizer(Phase(epochs=2, optimizer="adamw", schedule="cosine", learning_rate=0.1), 5)
        calls, schedule = [], optimizer._learning_rate.schedule

        def counted(step: tf.Tensor) -> tf.Tensor:
            calls.append(step)
            return schedule(step)

        optimizer._learning_rate = OnceInAGraph(counted) if once else Schedule(counted)
        optimizer.build(weights)

        @tf.function
        def step() -> None:
            optimizer.apply([tf.ones((2, 3))] * 3, weights)

        for _ in range(10):
            step()
        return [weight.numpy() for weight in weights], len(calls)

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, made: Callable[[tf.Tensor], tf.Tensor]):
            self.made = made

        def __call__(self, step: tf.Tensor) -> tf.Tensor:
            return self.made(step)

    (expected, many), (found, once) = trained(False), trained(True)
    assert many > 1
    assert once == 1
    np.testing.assert_array_equal(found, expected)
