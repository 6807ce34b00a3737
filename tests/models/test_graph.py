from __future__ import annotations

from types import SimpleNamespace

import keras
import pytest

from tfft.models.graph import nodes_in_order


@pytest.mark.parametrize("name", ["MobileNetV2", "NASNetMobile", "ConvNeXtTiny"])
def test_inputs_come_before_what_uses_them(name: str) -> None:
    model = getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3), include_top=False)
    known = {id(tensor) for tensor in model.inputs}
    operations = set()
    for node in nodes_in_order(model):
        assert all(id(tensor) in known for tensor in node.inputs)
        known.update(id(tensor) for tensor in node.outputs)
        operations.add(id(node.operation))
    assert all(id(tensor) in known for tensor in model.outputs)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert {id(layer) for layer in layers} <= operations


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
