"""Graphs that are freed once nothing uses them, and that work until then."""

from __future__ import annotations

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.framework.func_graph import FuncGraph

from tfft.runs.graphs import graphs_freed


def _graphs() -> int:
    gc.collect()
    return sum(isinstance(thing, FuncGraph) for thing in gc.get_objects())


def _registered() -> set[str]:
    return set(ops.gradient_registry.list())


def _train() -> None:
    """A network whose layer and whose optimizer have gradients of their own."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="silu")])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)


def test_no_graph_of_a_training_is_left() -> None:
    _train()  # what Keras keeps of the first one
    before, names = _graphs(), _registered()
    with graphs_freed():
        _train()
        assert _registered() - names
    assert _graphs() <= before
    assert _registered() == names


def test_also_after_an_error() -> None:
    before, names = _graphs(), _registered()

    def fail() -> None:
        with graphs_freed():
            _train()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (_graphs(), _registered()) == (before, names)


def test_a_graph_in_use_is_still_differentiable() -> None:
    names = _registered()
    x = tf.constant([-1.0, 0.5, 2.0])
    with graphs_freed():
        swish = tf.function(tf.nn.silu)
        swish(x)
    gc.collect()
    assert len(_registered() - names) == 1
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = swish(x)
    sigmoid = tf.sigmoid(x)
    assert np.allclose(tape.gradient(y, x), sigmoid + x * sigmoid * (1 - sigmoid))
