from __future__ import annotations

import keras
import numpy as np

from tfft.data.layout import Layout
from tfft.models import cut, unfrozen
from tfft.training.levels import TRUNK_BATCH, levels


def test_each_step_starts_where_the_one_below_ends(network: keras.Model) -> None:
    upper = cut(network)
    with unfrozen(network, 1, batch_norm="frozen"):
        lower = cut(network)
    found = levels([lower, upper], takes=Layout(((32, 32, 3),), "uint8"), dtype="float32")
    assert [level.takes.shapes for level in found] == [((32, 32, 3),), ((8, 8, 8),)]
    assert [level.makes.numbers for level in found] == [512, 8]
    assert sum(level.multiply_adds for level in found) == upper.multiply_adds
    pixels = np.random.default_rng(0).integers(0, 256, (TRUNK_BATCH, 32, 32, 3)).astype(np.uint8)
    below = found[0].run(pixels).numpy()
    above = found[1].run(*found[0].makes.unpack(below)).numpy()
    assert np.array_equal(above, upper.trunk(pixels.astype(np.float32), training=False))
    assert found[0].layers == ["inner_dropout_2"]
    assert found[0].fingerprint != found[1].fingerprint


def test_half_precision_is_read_as_float32(network: keras.Model) -> None:
    level = levels([cut(network)], takes=Layout(((32, 32, 3),), "uint8"), dtype="float16")[0]
    assert level.run(np.zeros((TRUNK_BATCH, 32, 32, 3), np.uint8)).dtype == "float16"
    assert level.makes.read_as == "float32"
