"""The cut: a functional model becomes a trunk, in which nothing is trained, and a top, the rest."""

from __future__ import annotations

import keras

from tfft.models.graph import Node, nodes_in_order


def cut(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """Cuts a model by its graph and its `trainable` flags into two that share its layers.

    The trunk is the largest prefix of the graph in which nothing is trained. A stochastic layer that was not
    frozen and has no frozen weight above it (the dropout of a head) belongs to the top, where it is active in
    training; any other one in the prefix (the dropout inside a frozen EfficientNet) belongs to the trunk.

    Args:
        model: A functional model.

    Returns:
        The trunk, or None if nothing stands before the first trained layer, and the top. One tensor or several
        pass between them, as a tensor or a list on both sides.
    """
    nodes = nodes_in_order(model)
    frozen = _frozen_prefix(model, nodes)
    made = {id(tensor): tensor for node in frozen for tensor in node.outputs}
    inside = {id(node) for node in frozen}
    rest = [node for node in nodes if id(node) not in inside]
    needed = [tensor for node in rest for tensor in node.inputs] + list(model.outputs)
    crossing = list({id(tensor): tensor for tensor in needed if id(tensor) in made}.values())
    inputs_above = any(id(tensor) == id(given) for tensor in needed for given in model.inputs)
    if not crossing or inputs_above:
        return None, model
    between = crossing[0] if len(crossing) == 1 else crossing
    outputs = model.outputs[0] if len(model.outputs) == 1 else model.outputs
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    # one tensor stays a tensor: Keras warns when a list meets it at a call
    return keras.Model(inputs, between, name="trunk"), keras.Model(between, outputs, name="top")


class Frozen(keras.Layer):
    """Runs a trunk in inference mode, whatever the mode of the model around it.

    It stands in models that are trained and thrown away, never in one that is saved. The last batch of an epoch
    may be smaller than the others here.
    """

    def __init__(self, trunk: keras.Model):
        super().__init__(trainable=False, name="frozen_trunk")
        self.trunk = trunk

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        # passed here, since a functional model takes the mode of the model around it
        return self.trunk(inputs, training=False)


def training_model(model: keras.Model) -> keras.Model:
    """A model that shares all layers with `model` and trains it with its trunk in inference mode."""
    trunk, top = cut(model)
    if trunk is None:
        return keras.Model(model.inputs[0], model.outputs[0], name="training")
    inputs = keras.Input(batch_shape=trunk.inputs[0].shape, dtype=trunk.inputs[0].dtype, name="image")
    return keras.Model(inputs, top(Frozen(trunk)(inputs)), name="training")


def _frozen_prefix(model: keras.Model, nodes: list[Node]) -> list[Node]:
    """The nodes of the trunk, in order."""
    inside = {id(tensor) for tensor in model.inputs}
    prefix = []
    for node in nodes:
        # by the flag, not by `trainable_weights`: a BatchNorm without scale and centre has statistics alone
        trained = node.layer is not None and node.layer.trainable and bool(node.layer.weights)
        if not trained and all(id(tensor) in inside for tensor in node.inputs):
            prefix.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    # what a frozen weight depends on stays, stochastic or not; above that, a stochastic layer may open the top
    below: set[int] = set()
    for node in reversed(prefix):
        if (node.layer is not None and node.layer.weights) or any(id(t) in below for t in node.outputs):
            below.update(id(tensor) for tensor in node.inputs)
    kept, inside = [], {id(tensor) for tensor in model.inputs}
    for node in prefix:
        settled = any(id(tensor) in below for tensor in node.outputs) or bool(node.layer and node.layer.weights)
        if all(id(tensor) in inside for tensor in node.inputs) and (settled or not _draws(node)):
            kept.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    return kept


def _draws(node: Node) -> bool:
    """Whether a layer that was not frozen draws random numbers in training: something in it has a seed generator."""
    return (
        node.layer is not None
        and node.layer.trainable
        and any(
            isinstance(value, keras.random.SeedGenerator)
            for layer in node.layer._flatten_layers()
            for value in vars(layer).values()
        )
    )
