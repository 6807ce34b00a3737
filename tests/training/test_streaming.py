from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfft.data.batching.layout import Layout
from tfft.errors import ConfigError
from tfft.models import cut
from tfft.training.levels import TRUNK_BATCH, levels
from tfft.training.streaming import Streamed

PICTURES = np.random.default_rng(0).integers(0, 256, (2 * TRUNK_BATCH + 5, 32, 32, 3)).astype(np.uint8)


def test_any_positions_in_any_order_give_the_same_rows(network: keras.Model) -> None:
    (level,) = levels([cut(network)], takes=Layout(((32, 32, 3),), "uint8"), dtype="float32")
    every = Streamed(PICTURES, level)[np.arange(len(PICTURES))]
    some = np.array([100, 3, 50, 3])
    assert np.array_equal(Streamed(PICTURES, level)[some], every[some])
    assert [start for start, _ in Streamed(PICTURES, level).batches(np.arange(len(PICTURES)))] == [0, 48, 96]
    assert Streamed(PICTURES, level)[np.array([], int)].shape == (0, every.shape[1])


def test_numbers_that_half_precision_does_not_hold_are_told() -> None:
    layout = Layout(((1,),), "float32")
    made = SimpleNamespace(
        takes=layout,
        makes=Layout(((1,),), "float16"),
        layers=["top"],
        run=lambda rows: SimpleNamespace(numpy=lambda: (rows * 1e6).astype(np.float16)),
    )
    with np.errstate(over="ignore"), pytest.raises(ConfigError, match=r"top.*--store\.dtype"):
        Streamed(np.ones((3, 1), np.float32), made)[np.arange(3)]
