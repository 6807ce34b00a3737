from __future__ import annotations

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import fingerprint, unfrozen
from tfft.models.lora import add_adapters


def dense(count: int) -> keras.Model:
    inputs = keras.Input((4,))
    x = inputs
    for number in range(count):
        x = keras.layers.Dense(4, name=f"dense_{number}")(x)
    return keras.Model(inputs, x)


def test_adapters_change_nothing_at_first() -> None:
    model = dense(2)
    before = model(np.ones((1, 4)))
    add_adapters(model.layers, 2)
    assert np.array_equal(model(np.ones((1, 4))), before)
    add_adapters(model.layers, 2)  # a second time adds none
    assert len(model.weights) == 2 * 4


def test_of_attention_queries_and_values_alone_get_them() -> None:
    attention = keras.layers.MultiHeadAttention(2, 4)
    attention(np.ones((1, 3, 8), np.float32), np.ones((1, 3, 8), np.float32))
    add_adapters([attention], 2)
    assert {weight.path.split("/")[-2] for weight in attention.weights if "lora" in weight.path} == {"query", "value"}


def test_while_a_stage_is_unfrozen_its_adapters_alone_are_trained() -> None:
    model = dense(1)
    model.layers[1].trainable = False
    with unfrozen(model, 1, batch_norm="frozen", lora_rank=2):
        assert [weight.path.split("/")[-1] for weight in model.trainable_weights] == [
            "lora_kernel_a",
            "lora_kernel_b",
        ]
    assert not model.trainable_weights
    with unfrozen(model, 1, batch_norm="frozen"):
        assert len(model.trainable_weights) == 4  # without a rank, all of it


def test_what_takes_none_and_another_rank_are_told() -> None:
    with pytest.raises(ConfigError, match="lora_rank"):
        add_adapters([keras.layers.LayerNormalization()], 2)
    model = dense(1)
    add_adapters(model.layers, 2)
    with pytest.raises(ConfigError, match=r"(?=.*\b2\b)(?=.*\b3\b)"):
        add_adapters(model.layers, 3)


def test_adapters_that_add_nothing_do_not_change_what_is_stored() -> None:
    model = dense(2)
    before = fingerprint(model)
    add_adapters(model.layers, 2)
    assert fingerprint(model) == before
    model.layers[1].lora_kernel_b.assign(np.ones((2, 4)))
    assert fingerprint(model) != before
