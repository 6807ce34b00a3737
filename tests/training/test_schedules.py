from __future__ import annotations

import keras
import pytest

from tfft.training import Phase, build_optimizer
from tfft.training.schedules import learning_rate


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_each_optimizer_by_its_name(name: str) -> None:
    optimizer = build_optimizer(Phase(optimizer=name, learning_rate=0.01, momentum=0.8, weight_decay=0.02), 10)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    if name == "sgd":
        assert optimizer.momentum == 0.8
    if name == "adamw":
        assert optimizer.weight_decay == 0.02


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
