from __future__ import annotations

from types import SimpleNamespace

import keras

from tfft.models.graph import nodes_in_order


def test_a_layer_called_twice_is_two_nodes() -> None:
    inputs = keras.Input((4,))
    dense = keras.layers.Dense(4)
    nodes = nodes_in_order(keras.Model(inputs, dense(dense(inputs))))
    assert [node.layer for node in nodes] == [dense, dense]


def test_a_graph_deeper_than_the_stack() -> None:
    x = inputs = keras.Input((1,))
    for _ in range(1500):
        x = keras.ops.add(x, 1.0)
    # not a keras.Model, whose own walk is recursive
    assert len(nodes_in_order(SimpleNamespace(inputs=[inputs], outputs=[x]))) == 1500
